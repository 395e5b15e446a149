//! A load generator that behaves like Lambda with reserved concurrency: a fixed number of processes, one call at a time in each, and
//! no queue.

use crate::process::Process;
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};
use xtask::Result;

/// The result of one request.
pub struct Response {
    /// Time of the response, from the start of the load.
    pub at: Duration,
    pub status: u16,
    /// Whether the response has a `Retry-After` header.
    pub has_retry_after: bool,
    /// Duration of the invocation in microseconds; 0 if it was throttled.
    pub took_us: u64,
}

/// A fault of the database during a part of the load.
pub struct Fault<'a> {
    /// When the fault begins and ends, from the start of the load.
    pub window: [Duration; 2],
    /// Injects the fault (`true`) or removes it (`false`).
    pub set: &'a (dyn Fn(bool) -> Result<()> + Sync),
}

/// The processes of one function and the requests that they serve.
pub struct LoadGenerator<'a> {
    /// One process for each unit of reserved concurrency.
    pub processes: Vec<Process>,
    /// Returns the next request, as an event of API Gateway.
    pub event: &'a (dyn Fn() -> Value + Sync),
}

impl LoadGenerator<'_> {
    /// Runs a closed loop: each process gets its next request when it has responded to the last.
    pub fn closed_loop(&mut self, duration: Duration) -> Result<Vec<Response>> {
        let (began, event) = (Instant::now(), self.event);
        thread::scope(|scope| {
            let mut workers = Vec::new();
            for process in &mut self.processes {
                workers.push(scope.spawn(move || {
                    let mut responses = Vec::new();
                    while began.elapsed() < duration {
                        responses.push(invoke(process, &event(), began)?);
                    }
                    Ok(responses)
                }));
            }
            join_all(workers)
        })
    }

    /// Runs an open loop: sends `rate` requests per second regardless of responses. A request that finds no idle process is throttled with
    /// 429 and not retried.
    pub fn open_loop(&mut self, rate: u32, duration: Duration, fault: Option<&Fault<'_>>) -> Result<Vec<Response>> {
        let idle = Mutex::new((0..self.processes.len()).collect::<Vec<_>>());
        let (began, idle, event) = (Instant::now(), &idle, self.event);
        thread::scope(|scope| {
            let (mut senders, mut workers) = (Vec::new(), Vec::new());
            for (number, process) in self.processes.iter_mut().enumerate() {
                let (sender, receiver) = mpsc::channel::<Value>();
                senders.push(sender);
                workers.push(scope.spawn(move || {
                    let mut responses = Vec::new();
                    for event in receiver {
                        responses.push(invoke(process, &event, began)?);
                        idle.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                    }
                    Ok(responses)
                }));
            }
            if let Some(Fault { window: [start, end], set }) = fault {
                workers.push(scope.spawn(move || {
                    wait_until(began + *start);
                    set(true)?;
                    wait_until(began + *end);
                    set(false).map(|()| Vec::new())
                }));
            }
            let mut throttled = Vec::new();
            let interval = Duration::from_secs(1) / rate.max(1);
            let mut due = began;
            while due < began + duration {
                wait_until(due);
                let worker = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                match worker.and_then(|worker| senders.get(worker)) {
                    // A worker that has stopped returns its error when it is joined.
                    Some(sender) => sender.send(event()).unwrap_or_default(),
                    None => throttled.push(began.elapsed()),
                }
                due += interval;
            }
            drop(senders);
            let mut responses = join_all(workers)?;
            let throttled = throttled.into_iter();
            responses.extend(throttled.map(|at| Response { at, status: 429, has_retry_after: true, took_us: 0 }));
            Ok(responses)
        })
    }
}

/// Sleeps until `due`. Returns at once if that has passed, so that a late sender catches up.
#[allow(clippy::disallowed_methods, reason = "requests are sent at fixed times")]
fn wait_until(due: Instant) {
    if let Some(early) = due.checked_duration_since(Instant::now()) {
        thread::sleep(early);
    }
}

fn invoke(process: &mut Process, event: &Value, began: Instant) -> Result<Response> {
    let (took_us, response) = process.invoke(event)?;
    let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    let has_retry_after = !response["headers"]["retry-after"].is_null();
    Ok(Response { at: began.elapsed(), status, has_retry_after, took_us })
}

fn join_all(workers: Vec<ScopedJoinHandle<'_, Result<Vec<Response>>>>) -> Result<Vec<Response>> {
    let mut responses = Vec::new();
    for worker in workers {
        responses.extend(worker.join().map_err(|_| "a thread of the load generator panicked".to_owned())??);
    }
    Ok(responses)
}
