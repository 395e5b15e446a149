//! What the runners of queues and streams have in common: who consumes, what a handler gets, when there is no time for more.

use crate::Clock;
use crate::runtime::FunctionError;
use crate::telemetry::metrics;
use crate::trace::{self, Upstream};
use kernel::{CloudEvent, Failure, Ids, Timestamp, TraceContext, Uuid};
use serde_json::{Value, json};
use std::time::Duration;
use tracing::Span;

/// With less than this left no further record is begun: it would only be stopped half-way.
const ENOUGH: Duration = Duration::from_secs(1);

/// One function that consumes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Name of the function.
    pub function: &'static str,
    /// How often the queue delivers a message before it gives up, as its redrive policy says; only told to the handler.
    pub max_receive_count: u32,
    /// Records that are worked on at once. With one (the usual), they are handled in the order in which they came.
    pub concurrency: usize,
}

impl Consumer {
    /// A consumer that works on one record after another, with five deliveries before the dead-letter queue.
    pub const fn new(function: &'static str) -> Self {
        Self { function, max_receive_count: 5, concurrency: 1 }
    }

    /// The same consumer, told how often the queue delivers.
    #[must_use]
    pub const fn max_receive_count(self, max_receive_count: u32) -> Self {
        Self { max_receive_count, ..self }
    }

    /// The same consumer, which works on `concurrency` records at once.
    #[must_use]
    pub const fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }
}

/// One event on its way to a handler, perhaps not for the first time.
#[derive(Debug)]
pub struct Delivery<E> {
    /// The event.
    pub event: CloudEvent<E>,
    /// When the work on it began; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// What it belongs to: the event's correlation, under a span of this hop.
    pub trace: TraceContext,
    /// 1 for the first delivery; always 1 from a stream, which does not count.
    pub attempt: u32,
    /// Whether the queue gives up when this delivery fails.
    pub last_attempt: bool,
    /// The queue's or the stream's name for the record.
    pub record_id: String,
    /// When the invocation is killed, where there is a limit.
    pub deadline: Option<Timestamp>,
}

/// What a record's handler is given besides the record.
#[derive(Debug)]
pub(crate) struct RecordContext {
    pub now: Timestamp,
    pub ids: Ids,
    pub trace: TraceContext,
    pub deadline: Option<Timestamp>,
}

impl RecordContext {
    /// A place in the trace that `about` belongs to: a CloudEvent, or anything else that says `correlationid` and `traceparent`.
    pub fn of(about: &Value, xray: Option<&str>, clock: &Clock) -> Self {
        let ids = clock.ids();
        let text = |member: &str| about.get(member).and_then(Value::as_str);
        let correlation_id = text("correlationid").and_then(|id| id.parse::<Uuid>().ok());
        let trace = trace::enter(Upstream { correlation_id, traceparent: text("traceparent"), xray }, &ids);
        Self { now: clock.now(), ids, trace, deadline: clock.deadline() }
    }

    /// The span in which the record is handled: what is logged there carries the ids of this context.
    pub fn span(&self, record_id: &str) -> Span {
        tracing::info_span!(
            "record",
            record.id = record_id,
            correlation_id = %self.trace.correlation_id,
            trace_id = self.trace.trace_id(),
        )
    }
}

/// Whether there is time for another record.
pub(crate) fn has_time(clock: &Clock) -> bool {
    clock.remaining().is_none_or(|left| left >= ENOUGH)
}

/// What became of the records of a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSummary {
    pub done: usize,
    pub buried: usize,
    /// Failed, or not begun for lack of time: they come again.
    pub again: usize,
}

impl BatchSummary {
    /// One line and the standard metrics, at the end of a batch.
    pub fn report(&self, duration_ms: f64) {
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        for (name, n) in
            [("RecordsProcessed", self.done), ("RecordsDeadLettered", self.buried), ("RecordsFailed", self.again)]
        {
            metrics::count(name, n as u64);
        }
        tracing::info!(
            records.processed = self.done,
            records.dead_lettered = self.buried,
            records.retried = self.again,
            duration_ms,
            "batch finished"
        );
    }
}

/// The partial answer to a batch: the records named come again, all others are done.
pub(crate) fn failures<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    let failures: Vec<_> = ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// The answer of a stream's consumer to a batch of which so many records come again, from the one of that sequence number on. Where
/// nothing of the batch is done the invocation fails: the batch comes again in any case, Lambda's own errors show it, and an emulator
/// that knows no partial answers of streams does not take it for done.
pub(crate) fn stream_response(summary: BatchSummary, first: Option<&str>) -> Result<Value, FunctionError> {
    match summary {
        BatchSummary { done: 0, buried: 0, again } if again > 0 => Err(FunctionError::batch_failed(again)),
        _ => Ok(failures(first)),
    }
}

/// The records of an event whose `Records` are a list; each is read by itself, later.
pub(crate) fn records(event: &mut Value) -> Option<Vec<Value>> {
    match event.get_mut("Records").map(Value::take) {
        Some(Value::Array(records)) => Some(records),
        _ => None,
    }
}

/// Why a record was not done.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// It cannot be read: no retry will change that.
    Unreadable(Failure),
    /// Its handler failed.
    Failed(Failure),
}

impl RecordError {
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Unreadable(failure) | Self::Failed(failure) => failure,
        }
    }

    /// Whether the record is worth another delivery.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_retryable())
    }
}
