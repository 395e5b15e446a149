//! A driver that stands for Lambda with reserved concurrency: so many processes, one call each at a time, no queue.

use crate::process::Process;
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};
use xtask::Result;

/// What one request came to.
pub struct Answer {
    /// When it was answered, from the beginning of the load.
    pub at: Duration,
    /// Status.
    pub status: u16,
    /// Whether it says when to try again (`Retry-After`).
    pub says_when: bool,
    /// How long the function took, in microseconds.
    pub took_us: u64,
}

/// Something that happens to the database while the load goes on: `true` when it begins, `false` when it ends.
pub struct Trouble<'a> {
    /// When it begins and ends, from the beginning of the load.
    pub from_to: [Duration; 2],
    /// Makes it begin or end.
    pub turn: &'a (dyn Fn(bool) -> Result<()> + Sync),
}

/// The processes of one function, and what they are asked.
pub struct Crew<'a> {
    /// As many as the reserved concurrency.
    pub processes: Vec<Process>,
    /// The next request, as API Gateway hands it over.
    pub event: &'a (dyn Fn() -> Value + Sync),
}

impl Crew<'_> {
    /// Closed loop: each process gets its next request when it has answered the last.
    pub fn closed(&mut self, lasts: Duration) -> Result<Vec<Answer>> {
        let (began, event) = (Instant::now(), self.event);
        thread::scope(|scope| {
            let mut lanes = Vec::new();
            for process in &mut self.processes {
                lanes.push(scope.spawn(move || {
                    let mut answers = Vec::new();
                    while began.elapsed() < lasts {
                        answers.push(invoke(process, &event(), began)?);
                    }
                    Ok(answers)
                }));
            }
            gather(lanes)
        })
    }

    /// Open loop: `rate` requests a second come, whether there is anybody for them or not. Who finds no process free is answered
    /// 429 at once and does not come again.
    pub fn open(&mut self, rate: u32, lasts: Duration, trouble: Option<&Trouble<'_>>) -> Result<Vec<Answer>> {
        let free = Mutex::new((0..self.processes.len()).collect::<Vec<_>>());
        let (began, free, event) = (Instant::now(), &free, self.event);
        thread::scope(|scope| {
            let (mut senders, mut lanes) = (Vec::new(), Vec::new());
            for (number, process) in self.processes.iter_mut().enumerate() {
                let (sender, receiver) = mpsc::channel::<Value>();
                senders.push(sender);
                lanes.push(scope.spawn(move || {
                    let mut answers = Vec::new();
                    for event in receiver {
                        answers.push(invoke(process, &event, began)?);
                        free.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                    }
                    Ok(answers)
                }));
            }
            if let Some(Trouble { from_to: [from, to], turn }) = trouble {
                lanes.push(scope.spawn(move || {
                    wait_until(began + *from);
                    turn(true)?;
                    wait_until(began + *to);
                    turn(false).map(|()| Vec::new())
                }));
            }
            let mut refused = Vec::new();
            let gap = Duration::from_secs(1) / rate.max(1);
            let mut due = began;
            while due < began + lasts {
                wait_until(due);
                let lane = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
                match lane.and_then(|lane| senders.get(lane)) {
                    // A lane that is gone has its reason, which is told below.
                    Some(sender) => sender.send(event()).unwrap_or_default(),
                    None => refused.push(Answer { at: began.elapsed(), status: 429, says_when: true, took_us: 0 }),
                }
                due += gap;
            }
            drop(senders);
            let mut answers = gather(lanes)?;
            answers.extend(refused);
            Ok(answers)
        })
    }
}

/// Who is late does not wait, and catches up.
#[allow(clippy::disallowed_methods, reason = "a load comes by the clock")]
fn wait_until(due: Instant) {
    if let Some(early) = due.checked_duration_since(Instant::now()) {
        thread::sleep(early);
    }
}

fn invoke(process: &mut Process, event: &Value, began: Instant) -> Result<Answer> {
    let (took_us, answer) = process.ask(event)?;
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    let says_when = !answer["headers"]["retry-after"].is_null();
    Ok(Answer { at: began.elapsed(), status, says_when, took_us })
}

fn gather(lanes: Vec<ScopedJoinHandle<'_, Result<Vec<Answer>>>>) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for lane in lanes {
        answers.extend(lane.join().map_err(|_| "a lane of the driver ended".to_owned())??);
    }
    Ok(answers)
}
