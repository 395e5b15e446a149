//! The runner for a Kinesis stream: passes the events of a batch to the handler together, so that they can be aggregated.
//!
//! A record that is malformed or fails permanently goes to the dead-letter queue and does not block its shard. The first retryable record is
//! reported by its sequence number; Lambda redelivers it with all that follow. One that fails with a defect, such as a panic, is isolated
//! from its batch and goes to the dead-letter queue when it is a quarter of an hour old; one that uses up the time of its handler, when it is an
//! hour old; one that waits for a dependency or for a newer version of the code, when it is almost a day old. The event source mapping bounds
//! retries and age for a function that ends without a response.

use crate::batch::process_batch;
use crate::consumer::{self, BatchSummary, Consumer, Delivery, RecordContext, RecordError};
use crate::dead_letters::{self, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, json, telemetry};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use kernel::Failure;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use tracing::Instrument;

/// Runs `consumer` with `handler`.
pub async fn run<E, F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    E: DeserializeOwned,
    F: AsyncFn(&[Delivery<E>]) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, dead_letters, handler).await }.boxed_local()
    })
    .await
}

/// Handles one batch like [`run`], without the Lambda runtime. `event` is a Kinesis batch and the result its partial batch response.
/// Fails if `event` is not a Kinesis batch or if no record of it was processed.
pub async fn batch<E, F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    E: DeserializeOwned,
    F: AsyncFn(&[Delivery<E>]) -> Result<(), Failure>,
{
    work(consumer, event, &InvocationContext::outside(clock), dead_letters, handler).await
}

/// A time that is sent in seconds with a fraction.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    reason = "a time has far fewer digits than a float"
)]
pub(crate) fn milliseconds(seconds: Option<&Value>) -> Option<i64> {
    seconds?.as_f64().map(|seconds| (seconds * 1_000.0) as i64)
}

/// The members of a Kinesis record that are read.
#[derive(Debug)]
struct Record {
    sequence_number: String,
    partition_key: String,
    /// The decoded data if it is UTF-8 text, else the base64 data as received.
    text: Result<String, String>,
    source: String,
    /// When it was written, in milliseconds.
    arrived: Option<i64>,
}

impl Record {
    fn read(record: &Value) -> Option<Self> {
        let kinesis = record.get("kinesis")?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let data = text(kinesis.get("data"));
        let decoded = STANDARD.decode(&data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Some(Self {
            sequence_number: kinesis.get("sequenceNumber")?.as_str()?.to_owned(),
            partition_key: text(kinesis.get("partitionKey")),
            text: decoded.ok_or(data),
            source: text(record.get("eventSourceARN")),
            arrived: milliseconds(kinesis.get("approximateArrivalTimestamp")),
        })
    }

    fn delivery<E: DeserializeOwned>(
        &self,
        consumer: &Consumer,
        invocation: &InvocationContext,
    ) -> Result<Delivery<E>, RecordError> {
        let unreadable = || RecordError::Malformed(envelope::unreadable("The data is not UTF-8 text in base64."));
        let text = self.text.as_ref().map_err(|_| unreadable())?;
        let event = envelope::extract_event(text).map_err(RecordError::Malformed)?;
        consumer.check_source(&event)?;
        let RecordContext { now, ids, trace, deadline } =
            RecordContext::of(&event, invocation.xray.as_deref(), &invocation.clock);
        let event = json::read_event(&event).map_err(RecordError::of_unreadable)?;
        let (record_id, consumer) = (self.sequence_number.clone(), consumer.function);
        Ok(Delivery { event, consumer, now, ids, trace, attempt: 1, last_attempt: false, record_id, deadline })
    }

    fn dead_letter(&self, consumer: &Consumer) -> DeadLetter {
        let (Ok(body) | Err(body)) = &self.text;
        DeadLetter {
            body: body.clone(),
            reason: String::new(),
            detail: String::new(),
            function: consumer.function.to_owned(),
            attempt: 1,
            record_id: self.sequence_number.clone(),
            source: self.source.clone(),
            attributes: [("partitionKey".to_owned(), self.partition_key.clone())].into(),
        }
    }
}

/// The records of a batch up to the first that waits for a newer version of the code: those after it are not handled before it.
struct Parsed<E> {
    deliveries: Vec<Delivery<E>>,
    /// The index of each delivery in the batch.
    indexes: Vec<usize>,
    failed: BTreeMap<usize, RecordError>,
    waiting: Option<usize>,
}

fn parse<E: DeserializeOwned>(consumer: &Consumer, records: &[Record], invocation: &InvocationContext) -> Parsed<E> {
    let mut parsed = Parsed { deliveries: Vec::new(), indexes: Vec::new(), failed: BTreeMap::new(), waiting: None };
    for (i, record) in records.iter().enumerate() {
        match record.delivery::<E>(consumer, invocation) {
            Ok(delivery) => {
                parsed.deliveries.push(delivery);
                parsed.indexes.push(i);
            }
            Err(error) => {
                telemetry::log_failure("record", error.failure());
                if error.may_wait_in_stream(consumer::age(record.arrived, invocation.clock.now())) {
                    parsed.waiting = Some(i);
                    break;
                }
                parsed.failed.insert(i, error);
            }
        }
    }
    parsed
}

async fn work<E, F>(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    E: DeserializeOwned,
    F: AsyncFn(&[Delivery<E>]) -> Result<(), Failure>,
{
    let started = invocation.clock.now();
    let records: Option<Vec<Record>> =
        consumer::records(&mut event).and_then(|records| records.iter().map(Record::read).collect());
    let Some(records) = records else {
        return Err(FunctionError::not_an_event_of("Kinesis", "it has no Records with a sequenceNumber"));
    };

    let now = invocation.clock.now();
    let Parsed { deliveries, indexes, mut failed, waiting } = parse(consumer, &records, invocation);
    let span = tracing::info_span!("batch", records.received = records.len());
    let index = |i: usize| indexes.get(i).copied();
    let ages: Vec<_> =
        indexes.iter().map(|i| consumer::age(records.get(*i).and_then(|one| one.arrived), now)).collect();
    let handle = |range: Range<usize>| handler(&deliveries[range]).boxed_local();
    let outcome = process_batch(&invocation.clock, &ages, &handle).instrument(span).await;
    failed.extend(outcome.failed.into_iter().filter_map(|(i, error)| Some((index(i)?, error))));
    let mut first = outcome.retry_from.and_then(index).or(waiting);

    // A record that is redelivered is not dead-lettered now, or it would be again at each delivery. One that cannot be
    // dead-lettered is redelivered.
    let mut dead_lettered = 0;
    for (i, error) in failed.range(..first.unwrap_or(records.len())) {
        if !dead_letters::send(dead_letters, records[*i].dead_letter(consumer).with_error(error)).await {
            first = Some(*i);
            break;
        }
        dead_lettered += 1;
    }
    let before = first.unwrap_or(records.len());
    let summary = BatchSummary { processed: before - dead_lettered, dead_lettered, retried: records.len() - before };
    summary.report(invocation.clock.millis_since(started));
    consumer::stream_response(summary, first.map(|i| records[i].sequence_number.as_str()))
}
