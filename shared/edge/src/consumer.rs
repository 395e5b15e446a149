//! What the runners of queues and streams share: the consumer, the delivery that a handler gets, and the summary of a batch.

use crate::catch_panic::{catch_panic_within, timed_out};
use crate::runtime::FunctionError;
use crate::telemetry::{self, metrics, spans};
use crate::trace::{self, IncomingTraceIds};
use crate::{Clock, json};
use kernel::{Claim, CloudEvent, EventContext, EventPayload, Failure, FailureKind, Ids, Timestamp, TraceContext, Uuid};
use serde_json::Value;
use std::time::Duration;
use tracing::Span;

/// No record is started with less than this left before the deadline: the function would be stopped while it works on it.
pub(crate) const MIN_REMAINING: Duration = Duration::from_secs(1);

/// Deliveries of a queue after which a defect is dead-lettered, such as a panic: the backoff stretches them over seven hours. A redeployment
/// may fix it; a message that always fails must not wait for [`MAX_AGE`] or the queue's last delivery.
pub const MAX_DEFECT_ATTEMPTS: u32 = 40;

/// Age at which a message of a queue is dead-lettered that waits for a dependency, or for a newer version of the code.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);

/// The same for a record of a stream: an hour before its retention ends.
const MAX_STREAM_AGE: Duration = Duration::from_secs(23 * 3_600);

/// Age at which a record of a stream is dead-lettered that fails with a defect: until then it blocks its shard.
const MAX_DEFECT_AGE: Duration = Duration::from_secs(15 * 60);

/// Age at which the same is done with a record that has used up its time, handled alone: it may hang by itself. Longer than for a defect, since
/// a dependency that does not answer looks the same.
pub(crate) const MAX_TIMEOUT_AGE: Duration = Duration::from_secs(3_600);

/// How long ago something happened, by times in milliseconds; zero if it is not known.
pub(crate) fn age(happened_ms: Option<i64>, now: Timestamp) -> Duration {
    let passed = happened_ms.map_or(0, |happened| now.as_millisecond().saturating_sub(happened));
    Duration::from_millis(u64::try_from(passed).unwrap_or_default())
}

/// A function that consumes records, and how it does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Name of the function.
    pub function: &'static str,
    /// `maxReceiveCount` of the queue's redrive policy: at the last delivery, every failure is dead-lettered.
    pub max_receive_count: u32,
    /// Records that are handled concurrently. With 1, the default, they are handled in the order of the batch.
    pub concurrency: usize,
    /// Type and source of the events whose producer is known. One of these types from another source is dead-lettered.
    pub producers: &'static [(&'static str, &'static str)],
}

impl Consumer {
    /// A consumer that handles one record after another.
    pub const fn new(function: &'static str, max_receive_count: u32) -> Self {
        Self { function, max_receive_count, concurrency: 1, producers: &[] }
    }

    /// Sets how many records are handled concurrently.
    #[must_use]
    pub const fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }

    /// Sets the producers that are trusted: pairs of a type of event and the source that alone may publish it.
    #[must_use]
    pub const fn producers(self, producers: &'static [(&'static str, &'static str)]) -> Self {
        Self { producers, ..self }
    }

    /// Fails for an event whose type is another source's.
    pub(crate) fn check_source(&self, event: &Value) -> Result<(), RecordError> {
        let text = |member: &str| event.get(member).and_then(Value::as_str);
        let producer = self.producers.iter().find(|(name, _)| text("type") == Some(name));
        match producer {
            Some((name, source)) if text("source") != Some(source) => {
                let detail = format!("{name} is published by {source} alone.");
                Err(RecordError::Failed(Failure::new(FailureKind::Forbidden, "wrong-source", detail)))
            }
            _ => Ok(()),
        }
    }
}

/// One event as it is delivered to a handler, perhaps not for the first time.
#[derive(Debug)]
pub struct Delivery<E> {
    /// The delivered event in its envelope.
    pub event: CloudEvent<E>,
    /// Name of the function that handles it.
    pub consumer: &'static str,
    /// Time at which handling began; a handler knows no other.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// The event's correlation id, with a new span for this hop.
    pub trace: TraceContext,
    /// Number of this delivery, from 1. Streams do not count deliveries: it is always 1 there.
    pub attempt: u32,
    /// Whether the queue moves the message to its dead-letter queue if this delivery fails.
    pub last_attempt: bool,
    /// Id of the record: an SQS message id or a sequence number.
    pub record_id: String,
    /// Deadline of the invocation, if there is one.
    pub deadline: Option<Timestamp>,
}

impl<E> Delivery<E> {
    /// The consumer's claim on the event, to be stored in the transaction of the effect.
    pub fn claim(&self) -> Claim {
        Claim { consumer: self.consumer, event_id: self.event.id }
    }

    /// The context of the new events that this delivery causes.
    pub fn context(&self) -> EventContext<'_> {
        EventContext { now: self.now, ids: &self.ids, trace: &self.trace, actor: None }
    }

    /// A new event that this delivery caused: it brought the aggregate `subject` to version `sequence`.
    pub fn event<P: EventPayload>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payload: impl Into<P>,
    ) -> CloudEvent<P> {
        self.context().event(subject, sequence, payload)
    }

    /// One event for each of `payloads`, all of one transition; otherwise as [`Delivery::event`].
    pub fn events<P: EventPayload + Clone>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payloads: &[P],
    ) -> Vec<CloudEvent<P>> {
        self.context().events(subject, sequence, payloads)
    }
}

/// What a handler gets besides the record itself.
#[derive(Debug)]
pub(crate) struct RecordContext {
    pub now: Timestamp,
    pub ids: Ids,
    pub trace: TraceContext,
    pub deadline: Option<Timestamp>,
}

impl RecordContext {
    /// Continues the trace of `document`: a CloudEvent, or other JSON with the members `correlationid` and `traceparent`.
    pub fn of(document: &Value, xray: Option<&str>, clock: &Clock) -> Self {
        let ids = clock.ids();
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        let correlation_id = text("correlationid").and_then(|id| id.parse::<Uuid>().ok());
        let upstream = IncomingTraceIds { correlation_id, traceparent: text("traceparent"), xray };
        let trace = trace::enter(upstream, &ids);
        spans::begin(span_name(document), &trace, trace::parent(upstream));
        Self { now: clock.now(), ids, trace, deadline: clock.deadline() }
    }

    /// The span in which the record is handled. Log lines within it carry the ids of this context.
    pub fn span(&self, record_id: &str) -> Span {
        tracing::info_span!(
            "record",
            record.id = record_id,
            correlation_id = %self.trace.correlation_id,
            trace_id = self.trace.trace_id(),
        )
    }
}

/// The name of a record's span: the type of its event, or `record` if that does not have the form of a type. The record is not checked yet, and
/// the name is logged.
fn span_name(document: &Value) -> &str {
    const MAX_LENGTH: usize = 64;
    let is_type = |text: &&str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        (1..=MAX_LENGTH).contains(&text.len()) && text.chars().all(is_part)
    };
    document.get("type").and_then(Value::as_str).filter(is_type).unwrap_or("record")
}

/// Whether enough time is left to start another record.
pub(crate) fn has_time(clock: &Clock) -> bool {
    clock.remaining().is_none_or(|left| left >= MIN_REMAINING)
}

/// Counts of the records of a batch by result.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSummary {
    pub processed: usize,
    pub dead_lettered: usize,
    /// Failed, or not started for lack of time; these are delivered again.
    pub retried: usize,
}

impl BatchSummary {
    /// Sums up the batch and counts its standard metrics.
    pub fn report(&self, duration_ms: f64) {
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        let counts = [
            ("RecordsProcessed", self.processed),
            ("RecordsDeadLettered", self.dead_lettered),
            ("RecordsFailed", self.retried),
        ];
        // Each name is a metric that is paid for as soon as it has a value, and no alarm needs a zero.
        for (name, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
            metrics::count(name, n as u64);
        }
        tracing::info!(
            target: telemetry::SUMMARY,
            {
                records.processed = self.processed,
                records.dead_lettered = self.dead_lettered,
                records.retried = self.retried,
                duration_ms,
            },
            "batch finished"
        );
    }
}

/// The partial batch response: SQS redelivers the records named in it and deletes the others.
pub(crate) fn failures<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    let failures: Vec<_> = ids.into_iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    serde_json::json!({ "batchItemFailures": failures })
}

/// The partial batch response of a stream consumer, which is retried from the sequence number `first` on.
///
/// The invocation fails if no record of the batch was completed: the whole batch is retried either way, and Lambda's `Errors` metric
/// shows it.
pub(crate) fn stream_response(summary: BatchSummary, first: Option<&str>) -> Result<Value, FunctionError> {
    match summary {
        BatchSummary { processed: 0, dead_lettered: 0, retried } if retried > 0 => {
            Err(FunctionError::batch_failed(retried))
        }
        _ => Ok(failures(first)),
    }
}

/// Takes the array `Records` out of an event, unparsed: each record is parsed by itself later.
pub(crate) fn records(event: &mut Value) -> Option<Vec<Value>> {
    match event.get_mut("Records").map(Value::take) {
        Some(Value::Array(records)) => Some(records),
        _ => None,
    }
}

/// Why a record was not processed.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// It cannot be parsed. Never retried.
    Malformed(Failure),
    /// Its handler failed.
    Failed(Failure),
    /// Its handler had no result within its time.
    TimedOut(Failure),
}

/// Runs the handler of a record, or of several, with this time.
pub(crate) async fn attempt<T>(
    time: Option<Duration>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, RecordError> {
    match catch_panic_within(time, work).await {
        Some(outcome) => outcome.map_err(RecordError::Failed),
        None => Err(RecordError::TimedOut(timed_out())),
    }
}

impl RecordError {
    /// The error of an event that cannot be deserialized. A word that is not known may be a newer writer's: the event waits for a newer reader.
    pub fn of_unreadable(failure: Failure) -> Self {
        match json::is_newer(&failure) {
            true => Self::Failed(Failure { kind: FailureKind::Unavailable, code: "newer-event", ..failure }),
            false => Self::Malformed(failure),
        }
    }

    pub fn failure(&self) -> &Failure {
        match self {
            Self::Malformed(failure) | Self::Failed(failure) | Self::TimedOut(failure) => failure,
        }
    }

    /// Whether a redelivery may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Malformed(_) => false,
            Self::Failed(failure) | Self::TimedOut(failure) => failure.is_retryable(),
        }
    }

    /// Whether it is one of the code, such as a panic, and not of a dependency.
    pub fn is_defect(&self) -> bool {
        self.failure().kind == FailureKind::Internal
    }

    /// Whether a message of a queue is delivered again, at this age after so many attempts.
    pub fn may_wait_in_queue(&self, age: Duration, attempt: u32) -> bool {
        self.is_retryable() && if self.is_defect() { attempt < MAX_DEFECT_ATTEMPTS } else { age < MAX_AGE }
    }

    /// Whether a record of this age in a stream is delivered again, with all after it.
    pub fn may_wait_in_stream(&self, age: Duration) -> bool {
        let longest = match self {
            one if one.is_defect() => MAX_DEFECT_AGE,
            Self::TimedOut(_) => MAX_TIMEOUT_AGE,
            _ => MAX_STREAM_AGE,
        };
        self.is_retryable() && age < longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn span_of_a_record_is_named_after_its_type_unless_that_is_any_text() {
        let long = "a".repeat(65);
        for (kind, expected) in [
            (json!("OrderPlaced.v1"), "OrderPlaced.v1"),
            (json!(7), "record"),
            (json!(""), "record"),
            (json!("ada@example.com"), "record"),
            (json!("a line\nand another"), "record"),
            (json!(long), "record"),
        ] {
            assert_eq!(span_name(&json!({ "type": kind })), expected, "{kind}");
        }
        assert_eq!(span_name(&json!({})), "record");
    }
}
