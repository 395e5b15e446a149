//! The runner for a DynamoDB stream: the changes of a table, one after another in the order in which they were made.
//!
//! The first change that fails in a way that may pass ends the batch and is reported by its sequence number; it comes again with
//! all that follow it. One that failed finally is buried with its reason, and the next one is handled.

use crate::catch_panic::catch_panic;
use crate::consumer::{self, BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use tracing::Instrument;

/// What was done to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Insert,
    /// It is another than before.
    Modify,
    /// It is gone.
    Remove,
}

/// One change of one item. Images are plain JSON; which of them are there is the stream's view type to say.
#[derive(Debug)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// The item's primary key.
    pub keys: Value,
    /// The item after the change.
    pub new_image: Option<Value>,
    /// The item before the change.
    pub old_image: Option<Value>,
    /// Whether DynamoDB itself removed the item, because its time to live was over.
    pub expired: bool,
    /// The stream's name for the change.
    pub sequence_number: String,
    /// When the work on it began; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// What it belongs to: what the new image says in `correlationid` and `traceparent`, else something new.
    pub trace: TraceContext,
    /// When the invocation is killed, where there is a limit.
    pub deadline: Option<Timestamp>,
}

/// Serves `consumer` with `handler` for as long as Lambda sends batches.
pub async fn run<F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    F: AsyncFn(Change) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let bury = &|letter| dead_letters::bury(dead_letters, letter).boxed_local();
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, bury, &|change| handler(change).boxed_local()).await }
            .boxed_local()
    })
    .await
}

/// Handles one batch: all that [`run`] does, without the Lambda runtime. `event` is the stream's batch, the answer its partial
/// response. Fails only where `event` is not a batch of a DynamoDB stream.
pub async fn batch<F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    F: AsyncFn(Change) -> Result<(), Failure>,
{
    let bury = &|letter| dead_letters::bury(dead_letters, letter).boxed_local();
    work(consumer, event, &InvocationContext::outside(clock), bury, &|change| handler(change).boxed_local()).await
}

type Handle<'a> = dyn Fn(Change) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;
type Bury<'a> = dyn Fn(DeadLetter) -> LocalBoxFuture<'a, bool> + 'a;

async fn work(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    bury: &Bury<'_>,
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
        let stop = match consumer::has_time(&invocation.clock) {
            true => one(record, invocation, handle).await.err(),
            false => {
                Some(RecordError::Failed(Failure::unavailable("time", "the batch was cut short before the deadline")))
            }
        };
        match stop {
            None => summary.processed += 1,
            Some(stop) if !stop.is_retryable() && bury(letter(consumer, record).with_error(&stop)).await => {
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
        let done = match read {
            Ok(change) => catch_panic(&invocation.clock, handle(change)).await.map_err(RecordError::Failed),
            Err(failure) => Err(RecordError::Malformed(failure)),
        };
        if let Err(stop) = &done {
            telemetry::log_failure("record", stop.failure());
        }
        done
    }
    .instrument(span)
    .await
}

fn sequence(record: &Value) -> Option<&str> {
    record.get("dynamodb")?.get("SequenceNumber")?.as_str()
}

fn read(record: &Value, invocation: &InvocationContext) -> Result<Change, Failure> {
    let change = record.get("dynamodb").ok_or_else(|| envelope::unreadable("The record has no change."))?;
    let kind = match record.get("eventName").and_then(Value::as_str) {
        Some("INSERT") => ChangeKind::Insert,
        Some("MODIFY") => ChangeKind::Modify,
        Some("REMOVE") => ChangeKind::Remove,
        other => return Err(envelope::unreadable(&format!("{other:?} is not a kind of change."))),
    };
    let image = |name: &str| change.get(name).filter(|image| !image.is_null()).map(item).transpose();
    let new_image = image("NewImage")?;
    let RecordContext { now, ids, trace, deadline } =
        RecordContext::of(new_image.as_ref().unwrap_or_default(), invocation.xray.as_deref(), &invocation.clock);
    let removed_by =
        record.get("userIdentity").and_then(|identity| identity.get("principalId")).and_then(Value::as_str);
    Ok(Change {
        kind,
        keys: image("Keys")?.unwrap_or_default(),
        new_image,
        old_image: image("OldImage")?,
        expired: kind == ChangeKind::Remove && removed_by == Some("dynamodb.amazonaws.com"),
        sequence_number: sequence(record).unwrap_or_default().to_owned(),
        now,
        ids,
        trace,
        deadline,
    })
}

fn letter(consumer: &Consumer, record: &Value) -> DeadLetter {
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

/// An item: DynamoDB's typed attributes as plain JSON.
fn item(attributes: &Value) -> Result<Value, Failure> {
    let attributes =
        attributes.as_object().ok_or_else(|| envelope::unreadable("An image is not a map of attributes."))?;
    let members = attributes.iter().map(|(name, attribute)| Ok((name.clone(), plain(attribute)?)));
    members.collect::<Result<Map<_, _>, Failure>>().map(Value::Object)
}

/// One attribute value, `{"N":"7"}` for instance. Sets become arrays, bytes stay in base64.
fn plain(attribute: &Value) -> Result<Value, Failure> {
    let bad = || envelope::unreadable("An attribute is not of a type that DynamoDB has.");
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

/// DynamoDB's numbers have 38 digits and come as text; one that JSON cannot hold exactly stays text.
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
    fn every_type_of_attribute_becomes_plain_json() {
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
    fn a_number_that_json_cannot_hold_exactly_stays_text() {
        assert_eq!(number("18446744073709551615"), json!(u64::MAX));
        let precise = "3.14159265358979323846264338327950288";
        assert_eq!(number(precise), json!(precise));
    }

    #[test]
    fn an_attribute_of_no_known_type_is_unreadable() {
        for bad in [json!({ "a": { "X": 1 } }), json!({ "a": 1 }), json!({ "a": {} }), json!([])] {
            assert!(item(&bad).is_err(), "{bad}");
        }
    }
}
