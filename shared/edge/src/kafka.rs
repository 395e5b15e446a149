//! The runner for Kafka topics (MSK and self-managed): passes the records of a batch to the handler together, for bulk writes.
//!
//! A record without a value is a tombstone: it deletes its key from a compacted topic and has no content for a consumer. It is skipped and counted
//! (`RecordsSkipped`).
//!
//! A record that is malformed or fails permanently goes to the dead-letter queue. A retryable failure fails the invocation, and Lambda
//! redelivers the whole batch. As no mapping bounds that, a record that fails with a defect goes to the dead-letter queue when it is a quarter of
//! an hour old, one that uses up the time of its handler when it is an hour old, and one that waits for a dependency or for a newer version of the
//! code when it is almost a day old. (Kafka mappings support
//! partial batch responses, but a mapping without that setting takes one for success and loses records. Failing is correct under every mapping.)

use crate::batch::process_batch;
use crate::consumer::{self, BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, BoxedDeadLetters, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::telemetry::metrics;
use crate::{Clock, envelope, json, telemetry};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// One record of a topic. `V` is deserialized from JSON: a `CloudEvent<E>`, or `Value` for any document.
#[derive(Debug)]
pub struct Record<V> {
    /// Name of the topic.
    pub topic: String,
    /// The partition, within which records are in order.
    pub partition: i32,
    /// The position in the partition; topic, partition and offset identify a record permanently.
    pub offset: i64,
    /// When the record was created or appended, as the topic's `message.timestamp.type` says.
    pub timestamp: Timestamp,
    /// The value, deserialized.
    pub value: V,
    /// The value as received.
    pub raw: String,
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// Continues `correlationid` and `traceparent` of the value, if it has them.
    pub trace: TraceContext,
    /// When Lambda kills the invocation; `None` without a deadline.
    pub deadline: Option<Timestamp>,
}

/// Runs `consumer` with `handler`.
pub async fn run<V, F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    V: DeserializeOwned,
    F: AsyncFn(&[Record<V>]) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, dead_letters, handler).await }.boxed_local()
    })
    .await
}

/// Handles one batch like [`run`], without the Lambda runtime. `event` is a Kafka batch. Fails if the batch must be redelivered.
pub async fn batch<V, F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    V: DeserializeOwned,
    F: AsyncFn(&[Record<V>]) -> Result<(), Failure>,
{
    work(consumer, event, &InvocationContext::outside(clock), dead_letters, handler).await
}

/// The members of the event that are read. Each record is deserialized separately.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    event_source_arn: String,
    records: BTreeMap<String, Vec<Value>>,
}

impl Batch {
    fn read(event: Value) -> Result<Self, FunctionError> {
        serde_json::from_value(event).map_err(|cause| FunctionError::not_an_event_of("Kafka", cause))
    }
}

#[derive(Deserialize)]
struct RawRecord {
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    value: Option<String>,
}

fn text(base64: &str) -> Option<String> {
    STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

impl Record<Value> {
    /// The record as Lambda sends it, with its value as any JSON.
    fn open(sent: &Value, invocation: &InvocationContext) -> Result<Self, Failure> {
        let RawRecord { topic, partition, offset, timestamp, value } = json::read(sent.clone())?;
        let raw = text(value.as_deref().unwrap_or_default());
        let raw = raw.ok_or_else(|| envelope::unreadable("The value is not UTF-8 text in base64."))?;
        let value: Value = serde_json::from_str(&raw)
            .map_err(|cause| envelope::unreadable(&format!("The value is not JSON: {cause}.")))?;
        let RecordContext { now, ids, trace, deadline } =
            RecordContext::of(&value, invocation.xray.as_deref(), &invocation.clock);
        let timestamp = Timestamp::from_millisecond(timestamp).unwrap_or_default();
        Ok(Self { topic, partition, offset, timestamp, value, raw, now, ids, trace, deadline })
    }

    fn read<V: DeserializeOwned>(self) -> Result<Record<V>, Failure> {
        let Self { topic, partition, offset, timestamp, value, raw, now, ids, trace, deadline } = self;
        let value = json::read(value)?;
        Ok(Record { topic, partition, offset, timestamp, value, raw, now, ids, trace, deadline })
    }
}

/// The dead letter of `record`: its body is the value if that is text, else the whole record.
fn dead_letter_of(consumer: &Consumer, source: &str, record: &Value) -> DeadLetter {
    let member =
        |name: &str| record.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let key = member("key").and_then(|key| text(&key));
    let name = |name: &str| member(name).unwrap_or_default();
    DeadLetter {
        body: member("value").and_then(|value| text(&value)).unwrap_or_else(|| record.to_string()),
        reason: String::new(),
        detail: String::new(),
        function: consumer.function.to_owned(),
        attempt: 1,
        record_id: format!("{}-{}-{}", name("topic"), name("partition"), name("offset")),
        source: source.to_owned(),
        attributes: key.map(|key| ("key".to_owned(), key)).into_iter().collect(),
    }
}

/// How long ago a record was written; zero if its time is not known.
fn written_ago(written_ms: Option<i64>, now: Timestamp) -> Duration {
    consumer::age(written_ms.filter(|written| *written > 0), now)
}

/// Whether this is a record without a value: Lambda leaves out the member, other senders write null.
fn is_tombstone(record: &Value) -> bool {
    record.is_object() && record.get("offset").is_some() && record.get("value").is_none_or(Value::is_null)
}

/// The records with a value; counts the others.
fn without_tombstones(batch: &Batch) -> Vec<&Value> {
    let (tombstones, records): (Vec<_>, Vec<_>) =
        batch.records.values().flatten().partition(|record| is_tombstone(record));
    if !tombstones.is_empty() {
        metrics::count("RecordsSkipped", tombstones.len() as u64);
        tracing::info!(records.skipped = tombstones.len(), "records without a value skipped");
    }
    records
}

/// Sends dead letters until one fails, and returns how many were sent. Boxed, so that it is compiled here, and not in each function's crate.
fn send_all(dead_letters: &dyn BoxedDeadLetters, failed: Vec<DeadLetter>) -> LocalBoxFuture<'_, usize> {
    async move {
        let mut sent = 0;
        for dead_letter in failed {
            if !dead_letters::send(dead_letters, dead_letter).await {
                break;
            }
            sent += 1;
        }
        sent
    }
    .boxed_local()
}

async fn work<V, F>(
    consumer: &Consumer,
    event: Value,
    invocation: &InvocationContext,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    V: DeserializeOwned,
    F: AsyncFn(&[Record<V>]) -> Result<(), Failure>,
{
    let started = invocation.clock.now();
    let batch = Batch::read(event)?;
    let mut records = Vec::new();
    let mut unsent = Vec::new();
    let mut failed = Vec::new();
    // Whether a record waits for a newer version of the code.
    let mut is_waiting = false;
    // Partition by partition, each in order.
    for sent in without_tombstones(&batch) {
        let dead_letter = dead_letter_of(consumer, &batch.event_source_arn, sent);
        match Record::open(sent, invocation).and_then(Record::read::<V>) {
            Ok(record) => {
                records.push(record);
                unsent.push(dead_letter);
            }
            Err(failure) => {
                telemetry::log_failure("record", &failure);
                let error = RecordError::of_unreadable(failure);
                let written = sent.get("timestamp").and_then(Value::as_i64);
                is_waiting |= error.may_wait_in_stream(written_ago(written, invocation.clock.now()));
                failed.push(dead_letter.with_error(&error));
            }
        }
    }
    let total = records.len() + failed.len();
    let now = invocation.clock.now();
    let age = |record: &Record<V>| written_ago(Some(record.timestamp.as_millisecond()), now);
    let ages: Vec<_> = records.iter().map(age).collect();
    let handle = |range: Range<usize>| handler(&records[range]).boxed_local();
    let outcome = process_batch(&invocation.clock, &ages, &handle).await;
    let done = outcome.retry_from.unwrap_or(records.len()) - outcome.failed.len();
    failed.extend(outcome.failed.iter().filter_map(|(i, error)| Some(unsent.get(*i)?.clone().with_error(error))));

    // If one record is retried, all are redelivered: dead-lettering now would be repeated at each delivery.
    let dead_lettered = match outcome.retry_from.is_none() && !is_waiting {
        true => send_all(dead_letters, failed).await,
        false => 0,
    };
    let summary = BatchSummary { processed: done, dead_lettered, retried: total - done - dead_lettered };
    summary.report(invocation.clock.millis_since(started));
    match summary.retried {
        0 => Ok(Value::Null),
        again => Err(FunctionError::batch_failed(again)),
    }
}
