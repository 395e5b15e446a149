//! Collects the log lines of a test.
#![allow(clippy::expect_used, reason = "test support; a line that is no JSON is a bug")]

use super::{Identity, lines::JsonLines};
use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt;

/// With a single subscriber, a thread without one that reaches a call site first caches that the call site is disabled. Two permanent
/// subscribers make every call site ask all subscribers.
static SUBSCRIBERS: OnceLock<[Dispatch; 2]> = OnceLock::new();

/// The log lines of the current thread, of all levels, from the creation of this value until it is dropped.
#[derive(Debug)]
pub struct CapturedLogs {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

impl CapturedLogs {
    /// Begins to collect.
    #[must_use]
    pub fn begin() -> Self {
        SUBSCRIBERS.get_or_init(|| [(), ()].map(|()| Dispatch::new(tracing_subscriber::registry())));
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let identity = Identity { service: "orders".into(), function: "thing-do", namespace: "Orders".into() };
        let write = move |line: &[u8]| sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        let layer = JsonLines::new(identity, Box::new(write));
        Self { written, _guard: tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)) }
    }

    /// The lines up to now.
    pub fn lines(&self) -> Vec<Value> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = serde_json::Deserializer::from_slice(&written).into_iter();
        lines.map(|line| line.expect("a line is JSON")).collect()
    }

    /// The lines up to now with this message.
    pub fn with_message(&self, message: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["message"] == message).collect()
    }
}

/// The lines that `work` logs.
#[cfg(test)]
pub(crate) fn lines_of(work: impl FnOnce()) -> Vec<Value> {
    let logs = CapturedLogs::begin();
    work();
    logs.lines()
}
