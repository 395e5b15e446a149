//! The runner for a Kinesis stream: the events of one batch are handed over together, so that they can be added up.
//!
//! A shard stops for nobody: what cannot be read or failed finally is buried with its reason. What may pass by itself is reported
//! by its sequence number and comes again, with all that follows it; how often, and what then, is the mapping's to bound.

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
use tracing::Instrument;

/// Serves `consumer` with `handler` for as long as Lambda sends batches.
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

/// Handles one batch: all that [`run`] does, without the Lambda runtime. `event` is Kinesis' batch, the answer its partial response.
/// Fails only where `event` is not a batch of Kinesis.
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

/// A record as Kinesis sends it, as far as we need it.
#[derive(Debug)]
struct Record {
    sequence_number: String,
    partition_key: String,
    /// The bytes, where they are text; else what came, in base64.
    text: Result<String, String>,
    source: String,
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
        })
    }

    fn delivery<E: DeserializeOwned>(
        &self,
        consumer: &'static str,
        invocation: &InvocationContext,
    ) -> Result<Delivery<E>, Failure> {
        let text = self.text.as_ref().map_err(|_| envelope::unreadable("The record is not text in base64."))?;
        let event = envelope::extract_event(text)?;
        let RecordContext { now, ids, trace, deadline } =
            RecordContext::of(&event, invocation.xray.as_deref(), &invocation.clock);
        let event = json::read(event)?;
        let record_id = self.sequence_number.clone();
        Ok(Delivery { event, consumer, now, ids, trace, attempt: 1, last_attempt: false, record_id, deadline })
    }

    fn letter(&self, consumer: &Consumer) -> DeadLetter {
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

    let mut deliveries = Vec::new();
    // The place in the batch of each delivery.
    let mut places = Vec::new();
    let mut finished = BTreeMap::new();
    for (i, record) in records.iter().enumerate() {
        match record.delivery::<E>(consumer.function, invocation) {
            Ok(delivery) => {
                deliveries.push(delivery);
                places.push(i);
            }
            Err(failure) => {
                telemetry::log_failure("record", &failure);
                finished.insert(i, RecordError::Malformed(failure));
            }
        }
    }
    let span = tracing::info_span!("batch", records.received = records.len());
    let settled = process_batch(&invocation.clock, &deliveries, handler).instrument(span).await;
    let place = |i: usize| places.get(i).copied();
    finished.extend(settled.refused.into_iter().filter_map(|(i, stop)| Some((place(i)?, stop))));
    let mut first = settled.again_from.and_then(place);

    // Only what does not come again is buried, or it would be at each try. What cannot be buried comes again itself.
    let mut buried = 0;
    for (i, stop) in finished.range(..first.unwrap_or(records.len())) {
        if !dead_letters::bury(dead_letters, records[*i].letter(consumer).with_error(stop)).await {
            first = Some(*i);
            break;
        }
        buried += 1;
    }
    let before = first.unwrap_or(records.len());
    let summary = BatchSummary { processed: before - buried, dead_lettered: buried, retried: records.len() - before };
    summary.report(invocation.clock.millis_since(started));
    consumer::stream_response(summary, first.map(|i| records[i].sequence_number.as_str()))
}
