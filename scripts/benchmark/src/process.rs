//! One function's process and the Lambda Runtime API that it asks for work.

use crate::http::{self, Request, Response};
use serde_json::Value;
use std::{
    collections::VecDeque,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use xtask::Result;

/// Longer than this takes nothing that works.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body of a response, or that of an error.
type Outcome = std::result::Result<Vec<u8>, Vec<u8>>;

/// What the process and its Runtime API know together.
#[derive(Default)]
struct Table {
    ready: Option<Instant>,
    events: VecDeque<Vec<u8>>,
    handed_over: Option<Instant>,
    answer: Option<(Instant, Outcome)>,
    number: u64,
}

type Shared = Arc<(Mutex<Table>, Condvar)>;

/// A running function.
pub struct Process {
    child: Child,
    shared: Shared,
    init: Duration,
}

impl Process {
    /// Starts a binary and waits until it asks for its first event.
    pub fn start(binary: &Path, memory_mb: u32, variables: &[(String, String)]) -> Result<Self> {
        let shared = Shared::default();
        let api = {
            let shared = Arc::clone(&shared);
            http::serve(move |request| answer(&shared, &request)).map_err(|error| format!("Runtime API: {error}"))?
        };
        let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", &name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ])
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
        let mut process = Self { child, shared, init: Duration::ZERO };
        let ready = process.wait(|table| table.ready).ok_or_else(|| format!("{name} does not ask for work"))?;
        process.init = ready - started;
        Ok(process)
    }

    /// Microseconds from the start of the process to its first request for work.
    pub fn init_us(&self) -> u64 {
        microseconds(self.init)
    }

    /// Microseconds that one call takes, from handing the event over to the whole answer.
    pub fn call(&mut self, event: &Value, is_good: fn(&Value) -> bool) -> Result<u64> {
        let (took, answer) = self.ask(event)?;
        if is_good(&answer) { Ok(took) } else { Err(format!("an answer that should not be: {answer}")) }
    }

    /// One call, with its answer.
    pub fn ask(&mut self, event: &Value) -> Result<(u64, Value)> {
        {
            let mut table = lock(&self.shared);
            table.answer = None;
            table.events.push_back(event.to_string().into_bytes());
            self.shared.1.notify_all();
        }
        let taken = |table: &mut Table| Some((table.handed_over?, table.answer.take()?));
        let (handed_over, (answered, outcome)) =
            self.wait(taken).ok_or_else(|| format!("no answer within {} s", PATIENCE.as_secs()))?;
        let body = outcome.map_err(|error| String::from_utf8_lossy(&error).into_owned())?;
        let answer = serde_json::from_slice(&body).unwrap_or_default();
        Ok((microseconds(answered - handed_over), answer))
    }

    /// Most memory that the process ever had, in KiB.
    pub fn peak_kib(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).ok_or_else(|| format!("{path} has no VmHWM"))
    }

    fn wait<T>(&mut self, mut found: impl FnMut(&mut Table) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut table = lock(&self.shared);
        loop {
            if let Some(found) = found(&mut table) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            // Short turns, to notice a process that has ended.
            let turn = left.min(Duration::from_millis(200));
            table = self.shared.1.wait_timeout(table, turn).unwrap_or_else(PoisonError::into_inner).0;
            if matches!(self.child.try_wait(), Ok(Some(_))) && found(&mut table).is_none() {
                return None;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or_default();
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Table> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn answer(shared: &Shared, request: &Request) -> Response {
    let now = Instant::now();
    if request.method == "GET" {
        return next(shared, now);
    }
    let mut table = lock(shared);
    let is_response = request.path.ends_with("/response");
    table.answer = Some((now, if is_response { Ok(request.body.clone()) } else { Err(request.body.clone()) }));
    shared.1.notify_all();
    Response::json(202, r#"{"status":"OK"}"#)
}

fn next(shared: &Shared, now: Instant) -> Response {
    let mut table = lock(shared);
    table.ready.get_or_insert(now);
    shared.1.notify_all();
    let event = loop {
        match table.events.pop_front() {
            Some(event) => break event,
            None => table = shared.1.wait(table).unwrap_or_else(PoisonError::into_inner),
        }
    };
    table.number += 1;
    table.handed_over = Some(Instant::now());
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
    let headers = vec![
        ("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{:012x}", table.number)),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    Response { status: 200, headers, body: event }
}
