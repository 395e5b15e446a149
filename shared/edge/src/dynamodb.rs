//! The runner for a DynamoDB stream: handles the changes of a table one by one, in order.
//!
//! The first change that fails with a retryable failure ends the batch and is reported by its sequence number; Lambda redelivers it
//! with all that follow. A change that fails permanently goes to the dead-letter queue, and the next one is handled; so does one that fails
//! with a defect, such as a panic, when it is a quarter of an hour old, one that uses up the time of its handler when it is an hour old, and one
//! that waits for a dependency when it is almost a day old.

use crate::consumer::{self, BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, BoxedDeadLetters, DeadLetter, DeadLetters};
use crate::kinesis::milliseconds;
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use tracing::Instrument;

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The item was created.
    Insert,
    /// The item was changed.
    Modify,
    /// The item was deleted.
    Remove,
}

/// One change of one item. The image is plain JSON; the stream's view type decides whether there is one.
#[derive(Debug)]
pub struct ChangeRecord {
    /// Whether the item was created, changed or deleted.
    pub kind: ChangeKind,
    /// The item's primary key.
    pub keys: Value,
    /// The item before the change.
    pub old_image: Option<Value>,
    /// The item after the change.
    pub new_image: Option<Value>,
    /// Sequence number in the stream.
    pub sequence_number: String,
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// Continues `correlationid` and `traceparent` of the new image, if it has them.
    pub trace: TraceContext,
    /// When Lambda kills the invocation; `None` without a deadline.
    pub deadline: Option<Timestamp>,
}

/// Runs `consumer` with `handler`.
pub async fn run<F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    F: AsyncFn(ChangeRecord) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, dead_letters, &|change| handler(change).boxed_local()).await }
            .boxed_local()
    })
    .await
}

/// Handles one batch like [`run`], without the Lambda runtime. `event` is the stream's batch and the result its partial batch
/// response. Fails if `event` is not a DynamoDB stream batch or if no record of it was processed.
pub async fn batch<F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    F: AsyncFn(ChangeRecord) -> Result<(), Failure>,
{
    work(consumer, event, &InvocationContext::outside(clock), dead_letters, &|change| handler(change).boxed_local())
        .await
}

type Handle<'a> = dyn Fn(ChangeRecord) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;

async fn work(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    dead_letters: &dyn BoxedDeadLetters,
    handle: &Handle<'_>,
) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    let records =
        consumer::records(&mut event).filter(|records| records.iter().all(|record| sequence(record).is_some()));
    let Some(records) = records else {
        return Err(FunctionError::not_an_event_of("a DynamoDB stream", "it has no Records with a SequenceNumber"));
    };
    let mut summary = BatchSummary::default();
    let mut first = None;
    for (i, record) in records.iter().enumerate() {
        if !consumer::has_time(&invocation.clock) {
            summary.retried = records.len() - i;
            first = sequence(record);
            break;
        }
        match one(record, invocation, handle).await.err() {
            None => summary.processed += 1,
            Some(error)
                if !may_wait(&error, i, record, &invocation.clock)
                    && dead_letters::send(dead_letters, dead_letter_of(consumer, record).with_error(&error)).await =>
            {
                summary.dead_lettered += 1
            }
            Some(_) => {
                summary.retried = records.len() - i;
                first = sequence(record);
                break;
            }
        }
    }
    summary.report(invocation.clock.millis_since(started));
    consumer::stream_response(summary, first)
}

async fn one(record: &Value, invocation: &InvocationContext, handle: &Handle<'_>) -> Result<(), RecordError> {
    let read = read(record, invocation);
    let span = match &read {
        Ok(change) => tracing::info_span!(
            "record",
            record.id = change.sequence_number,
            correlation_id = %change.trace.correlation_id,
            trace_id = change.trace.trace_id(),
        ),
        Err(_) => tracing::info_span!("record", record.id = sequence(record)),
    };
    async {
        let result = match read {
            Ok(change) => {
                // What is left is for a dead letter.
                let time = invocation.clock.remaining().map(|left| left.saturating_sub(consumer::MIN_REMAINING));
                consumer::attempt(time, handle(change)).await
            }
            Err(failure) => Err(RecordError::Malformed(failure)),
        };
        if let Err(error) = &result {
            telemetry::log_failure("record", error.failure());
        }
        result
    }
    .instrument(span)
    .await
}

/// Whether a change, the one at `i` of its batch, is delivered again, with all after it. One that had only the time that others have left over
/// comes first then, and has all of it.
fn may_wait(error: &RecordError, i: usize, record: &Value, clock: &Clock) -> bool {
    if i > 0 && matches!(error, RecordError::TimedOut(_)) {
        return true;
    }
    let changed = record.get("dynamodb").and_then(|change| change.get("ApproximateCreationDateTime"));
    error.may_wait_in_stream(consumer::age(milliseconds(changed), clock.now()))
}

fn sequence(record: &Value) -> Option<&str> {
    record.get("dynamodb")?.get("SequenceNumber")?.as_str()
}

fn read(record: &Value, invocation: &InvocationContext) -> Result<ChangeRecord, Failure> {
    let change = record.get("dynamodb").ok_or_else(|| envelope::unreadable("The record has no dynamodb member."))?;
    let kind = match record.get("eventName").and_then(Value::as_str) {
        Some("INSERT") => ChangeKind::Insert,
        Some("MODIFY") => ChangeKind::Modify,
        Some("REMOVE") => ChangeKind::Remove,
        other => return Err(envelope::unreadable(&format!("eventName {other:?} is not INSERT, MODIFY or REMOVE."))),
    };
    let image = |name: &str| change.get(name).filter(|image| !image.is_null()).map(item).transpose();
    let new_image = image("NewImage")?;
    let RecordContext { now, ids, trace, deadline } =
        RecordContext::of(new_image.as_ref().unwrap_or_default(), invocation.xray.as_deref(), &invocation.clock);
    Ok(ChangeRecord {
        kind,
        keys: image("Keys")?.unwrap_or_default(),
        old_image: image("OldImage")?,
        new_image,
        sequence_number: sequence(record).unwrap_or_default().to_owned(),
        now,
        ids,
        trace,
        deadline,
    })
}

fn dead_letter_of(consumer: &Consumer, record: &Value) -> DeadLetter {
    DeadLetter {
        body: record.to_string(),
        reason: String::new(),
        detail: String::new(),
        function: consumer.function.to_owned(),
        attempt: 1,
        record_id: sequence(record).unwrap_or_default().to_owned(),
        source: record.get("eventSourceARN").and_then(Value::as_str).unwrap_or_default().to_owned(),
        attributes: BTreeMap::new(),
    }
}

/// An item's typed attributes as plain JSON.
fn item(attributes: &Value) -> Result<Value, Failure> {
    let attributes =
        attributes.as_object().ok_or_else(|| envelope::unreadable("An image is not a map of attributes."))?;
    let members = attributes.iter().map(|(name, attribute)| Ok((name.clone(), plain(attribute)?)));
    members.collect::<Result<Map<_, _>, Failure>>().map(Value::Object)
}

/// One attribute value, such as `{"N":"7"}`. Sets become arrays; binary values stay base64.
fn plain(attribute: &Value) -> Result<Value, Failure> {
    let bad = || envelope::unreadable("An attribute has an unknown type.");
    let (r#type, value) = attribute.as_object().and_then(|members| members.iter().next()).ok_or_else(bad)?;
    match (r#type.as_str(), value) {
        ("S" | "B", Value::String(_)) | ("BOOL", Value::Bool(_)) | ("SS" | "BS", Value::Array(_)) => Ok(value.clone()),
        ("NULL", _) => Ok(Value::Null),
        ("N", Value::String(digits)) => Ok(number(digits)),
        ("NS", Value::Array(items)) => items.iter().map(|n| n.as_str().map(number).ok_or_else(bad)).collect(),
        ("L", Value::Array(items)) => items.iter().map(plain).collect(),
        ("M", members) => item(members),
        _ => Err(bad()),
    }
}

/// DynamoDB sends numbers as text of up to 38 digits; one that a JSON number cannot represent exactly stays text.
fn number(digits: &str) -> Value {
    if let Ok(whole) = digits.parse::<i64>() {
        return whole.into();
    }
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.into();
    }
    let float = digits.parse::<f64>().ok().filter(|float| float.to_string() == digits).and_then(Number::from_f64);
    float.map_or_else(|| digits.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_attribute_type_becomes_plain_json() {
        let typed = json!({
            "s": { "S": "text" }, "n": { "N": "-7" }, "f": { "N": "1.5" }, "b": { "BOOL": true }, "nil": { "NULL": true },
            "list": { "L": [{ "N": "1" }, { "S": "x" }] }, "map": { "M": { "deep": { "N": "2" } } },
            "strings": { "SS": ["a", "b"] }, "numbers": { "NS": ["1", "2"] }, "bytes": { "B": "aGk=" },
        });
        let expected = json!({
            "s": "text", "n": -7, "f": 1.5, "b": true, "nil": null, "list": [1, "x"], "map": { "deep": 2 },
            "strings": ["a", "b"], "numbers": [1, 2], "bytes": "aGk=",
        });
        assert_eq!(item(&typed).unwrap(), expected);
    }

    #[test]
    fn number_without_an_exact_json_form_stays_text() {
        assert_eq!(number("18446744073709551615"), json!(u64::MAX));
        let precise = "3.14159265358979323846264338327950288";
        assert_eq!(number(precise), json!(precise));
    }

    #[test]
    fn attribute_of_unknown_type_is_unreadable() {
        for bad in [json!({ "a": { "X": 1 } }), json!({ "a": 1 }), json!({ "a": {} }), json!([])] {
            assert!(item(&bad).is_err(), "{bad}");
        }
    }
}
