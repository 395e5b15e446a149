//! The process of one function, and the Lambda Runtime API that it polls for events.

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

/// Limit for a start and, unless [`Process::allow`] sets another, for a call; also the deadline that the function is given.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Body of the function's response or of its error.
type Exit = std::result::Result<Vec<u8>, Vec<u8>>;

/// State shared by `Process` and the connections of its Runtime API.
#[derive(Default)]
struct RuntimeState {
    ready: Option<Instant>,
    events: VecDeque<Vec<u8>>,
    delivered: Option<Instant>,
    outcome: Option<(Instant, Exit)>,
    invocations: u64,
    allowed: Option<Duration>,
}

type Shared = Arc<(Mutex<RuntimeState>, Condvar)>;

/// A running process of a function. Dropping the value kills the process.
pub struct Process {
    child: Child,
    shared: Shared,
    init: Duration,
}

impl Process {
    /// Starts a binary and waits until it requests its first event.
    pub fn start(binary: &Path, memory_mb: u32, variables: &[(String, String)]) -> Result<Self> {
        let shared = Shared::default();
        let api = {
            let shared = Arc::clone(&shared);
            http::serve(move |request| respond(&shared, &request)).map_err(|error| format!("Runtime API: {error}"))?
        };
        let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", &name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ])
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
        let mut process = Self { child, shared, init: Duration::ZERO };
        let ready = process.wait(|state| state.ready).ok_or_else(|| format!("{name} does not request an event"))?;
        process.init = ready - started;
        Ok(process)
    }

    /// Sets the time that a call may take, and its deadline.
    pub fn allow(&mut self, limit: Duration) {
        lock(&self.shared).allowed = Some(limit);
    }

    /// Microseconds from the start of the process to its first request for an event.
    pub fn init_us(&self) -> u64 {
        microseconds(self.init)
    }

    /// Invokes the function and returns the microseconds from delivering the event to the complete response. A response that is not
    /// `is_expected` is an error.
    pub fn call(&mut self, event: &Value, is_expected: fn(&Value) -> bool) -> Result<u64> {
        let (took_us, response) = self.invoke(event)?;
        if is_expected(&response) { Ok(took_us) } else { Err(format!("unexpected response: {response}")) }
    }

    /// Invokes the function and returns the microseconds that the call took, and the response.
    pub fn invoke(&mut self, event: &Value) -> Result<(u64, Value)> {
        {
            let mut state = lock(&self.shared);
            state.outcome = None;
            state.events.push_back(event.to_string().into_bytes());
            self.shared.1.notify_all();
        }
        let completed = |state: &mut RuntimeState| Some((state.delivered?, state.outcome.take()?));
        let (delivered, (responded, outcome)) = self.wait(completed).ok_or_else(|| "no response in time".to_owned())?;
        let body = outcome.map_err(|error| String::from_utf8_lossy(&error).into_owned())?;
        let response = serde_json::from_slice(&body).unwrap_or_default();
        Ok((microseconds(responded - delivered), response))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Microseconds of CPU time that all threads of the process have used.
    pub fn cpu_us(&self) -> Result<u64> {
        let path = format!("/proc/{}/task", self.child.id());
        let tasks = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
        // The first number is nanoseconds on a processor. A thread that ended meanwhile has no file.
        let nanoseconds = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Ok(nanoseconds.sum::<u64>() / 1_000)
    }

    /// Peak resident memory of the process, in KiB.
    pub fn peak_kib(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).ok_or_else(|| format!("{path} has no VmHWM"))
    }

    /// Waits until `condition` returns a value. Returns `None` after the timeout or once the process has exited.
    fn wait<T>(&mut self, mut condition: impl FnMut(&mut RuntimeState) -> Option<T>) -> Option<T> {
        let mut state = lock(&self.shared);
        let deadline = Instant::now() + state.allowed.unwrap_or(TIMEOUT);
        loop {
            if let Some(found) = condition(&mut state) {
                return Some(found);
            }
            let remaining = deadline.checked_duration_since(Instant::now())?;
            // Short waits, to notice a process that has exited.
            let slice = remaining.min(Duration::from_millis(200));
            state = self.shared.1.wait_timeout(state, slice).unwrap_or_else(PoisonError::into_inner).0;
            if matches!(self.child.try_wait(), Ok(Some(_))) && condition(&mut state).is_none() {
                return None;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited on its own.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or_default();
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, RuntimeState> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn respond(shared: &Shared, request: &Request) -> Response {
    let now = Instant::now();
    if request.method == "GET" {
        return next_invocation(shared, now);
    }
    let mut state = lock(shared);
    let is_response = request.path.ends_with("/response");
    state.outcome = Some((now, if is_response { Ok(request.body.clone()) } else { Err(request.body.clone()) }));
    shared.1.notify_all();
    Response::json(202, r#"{"status":"OK"}"#)
}

fn next_invocation(shared: &Shared, now: Instant) -> Response {
    let mut state = lock(shared);
    state.ready.get_or_insert(now);
    shared.1.notify_all();
    let event = loop {
        match state.events.pop_front() {
            Some(event) => break event,
            None => state = shared.1.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    };
    state.invocations += 1;
    state.delivered = Some(Instant::now());
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = deadline + state.allowed.unwrap_or(TIMEOUT);
    let headers = vec![
        ("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{:012x}", state.invocations)),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    Response { status: 200, headers, body: event }
}
