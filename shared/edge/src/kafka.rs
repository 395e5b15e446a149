//! The runner for Kafka topics (MSK and self-managed): the records of one invocation are handed over together, for bulk writes.
//!
//! What cannot be read or failed finally is buried with its reason. For what may pass by itself the invocation fails, and Lambda
//! sends the whole batch again. (A partial answer exists for Kafka as well, but a mapping that was not told to look for one takes
//! it for success, and records would be lost. Failing is right under every mapping.)

use crate::batch::process_batch;
use crate::consumer::{BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, json, telemetry};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// One record of a topic. `V` is read from JSON: a `CloudEvent<E>`, or `Value` for any document.
#[derive(Debug)]
pub struct Record<V> {
    /// The topic.
    pub topic: String,
    /// The partition, within which records are in order.
    pub partition: i32,
    /// The place in the partition; topic, partition and offset name a record for ever.
    pub offset: i64,
    /// When it was produced, or when the broker took it in: the topic's configuration says which.
    pub timestamp: Timestamp,
    /// The key, where there is one and it is text.
    pub key: Option<String>,
    /// Headers that are text, in the order in which they were set.
    pub headers: Vec<(String, String)>,
    /// The value, read.
    pub value: V,
    /// The value as it came.
    pub raw: String,
    /// When the work on it began; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// What it belongs to: what the value says in `correlationid` and `traceparent`, else something new.
    pub trace: TraceContext,
    /// When the invocation is killed, where there is a limit.
    pub deadline: Option<Timestamp>,
}

/// Serves `consumer` with `handler` for as long as Lambda sends batches.
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

/// Handles one batch: all that [`run`] does, without the Lambda runtime. `event` is MSK's batch. Fails where the batch must come
/// again.
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

/// MSK's event, as far as we need it. Each record is read by itself, later.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    event_source_arn: String,
    records: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Sent {
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    headers: Vec<BTreeMap<String, Vec<i16>>>,
}

fn text(base64: &str) -> Option<String> {
    STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

impl Sent {
    fn record<V: DeserializeOwned>(self, invocation: &InvocationContext) -> Result<Record<V>, Failure> {
        let raw = text(self.value.as_deref().unwrap_or_default());
        let raw = raw.ok_or_else(|| envelope::unreadable("The value is not text in base64."))?;
        let document: Value = serde_json::from_str(&raw)
            .map_err(|cause| envelope::unreadable(&format!("The value is not JSON: {cause}.")))?;
        let RecordContext { now, ids, trace, deadline } =
            RecordContext::of(&document, invocation.xray.as_deref(), &invocation.clock);
        let header = |bytes: Vec<i16>| {
            // Java's bytes are signed, and the event shows them that way.
            let bytes = bytes.into_iter().map(|byte| byte.to_le_bytes()[0]).collect();
            String::from_utf8(bytes).ok()
        };
        let headers =
            self.headers.into_iter().flatten().filter_map(|(name, bytes)| Some((name, header(bytes)?))).collect();
        Ok(Record {
            value: json::read(document)?,
            raw,
            topic: self.topic,
            partition: self.partition,
            offset: self.offset,
            timestamp: Timestamp::from_millisecond(self.timestamp).unwrap_or_default(),
            key: self.key.as_deref().and_then(text),
            headers,
            now,
            ids,
            trace,
            deadline,
        })
    }
}

/// `sent` as a letter: it holds the record's own text where it has one, else all of what Lambda sent.
fn letter(consumer: &Consumer, source: &str, sent: &Value) -> DeadLetter {
    let member =
        |name: &str| sent.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let key = member("key").and_then(|key| text(&key));
    let name = |name: &str| member(name).unwrap_or_default();
    DeadLetter {
        body: member("value").and_then(|value| text(&value)).unwrap_or_else(|| sent.to_string()),
        reason: String::new(),
        detail: String::new(),
        function: consumer.function.to_owned(),
        attempt: 1,
        record_id: format!("{}-{}-{}", name("topic"), name("partition"), name("offset")),
        source: source.to_owned(),
        attributes: key.map(|key| ("key".to_owned(), key)).into_iter().collect(),
    }
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
    let batch: Batch = serde_json::from_value(event).map_err(|cause| FunctionError::not_an_event_of("Kafka", cause))?;
    let mut records = Vec::new();
    let mut letters = Vec::new();
    let mut finished = Vec::new();
    // One topic and partition after another, and in each of them in order.
    for sent in batch.records.values().flatten() {
        let letter = letter(consumer, &batch.event_source_arn, sent);
        match json::read::<Sent>(sent.clone()).and_then(|sent| sent.record::<V>(invocation)) {
            Ok(record) => {
                records.push(record);
                letters.push(letter);
            }
            Err(failure) => {
                telemetry::log_failure("record", &failure);
                finished.push(letter.with_error(&RecordError::Malformed(failure)));
            }
        }
    }
    let total = records.len() + finished.len();
    let settled = process_batch(&invocation.clock, &records, handler).await;
    let refused = settled.refused.iter().filter_map(|(i, stop)| Some(letters.get(*i)?.clone().with_error(stop)));
    let done = settled.again_from.unwrap_or(records.len()) - settled.refused.len();
    finished.extend(refused);

    // Where one record comes again all do: what is buried now would be buried again at each try.
    let mut buried = 0;
    if settled.again_from.is_none() {
        for letter in finished {
            if !dead_letters::bury(dead_letters, letter).await {
                break;
            }
            buried += 1;
        }
    }
    let summary = BatchSummary { processed: done, dead_lettered: buried, retried: total - done - buried };
    summary.report(invocation.clock.millis_since(started));
    match summary.retried {
        0 => Ok(Value::Null),
        again => Err(FunctionError::batch_failed(again)),
    }
}
