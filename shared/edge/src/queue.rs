//! The runner for an SQS queue: parses, handles and reports each message separately.
//!
//! A message that is malformed or fails permanently goes to the dead-letter queue and counts as processed. One that fails with a retryable
//! failure or a panic, or whose event has a type or another word that this version does not know, is reported and redelivered with
//! exponential backoff. It goes to the dead-letter queue, too, when it has waited for a dependency for a day, when a defect has failed it forty
//! times, and at its last delivery, because the queue's redrive policy would move it without a reason. The queue itself allows many more
//! deliveries, for a function that ends without a batch response. Handlers see every message at least once.

#[cfg(test)]
mod tests;

use crate::catch_panic::catch_panic;
use crate::consumer::{self, BatchSummary, Consumer, Delivery, RecordContext, RecordError};
use crate::dead_letters::{self, BoxedQueue, DeadLetter, DeadLetters, QueueControl};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::telemetry::{self, spans};
use crate::{Clock, envelope, json};
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use kernel::{Failure, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use tracing::Instrument;

/// Runs `consumer` with `handler`. `queue` stands for the dead-letter queue and for the control of the queue itself.
///
/// `E` is an adjacently tagged enum of the events that the function consumes. `serde_json::Map<String, Value>` accepts any event, with
/// `type` and `data` as members, and serializes it unchanged.
pub async fn run<E, F>(consumer: Consumer, queue: &(impl DeadLetters + QueueControl), handler: F) -> Result<(), Error>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let hooks = &Hooks { parse: envelope::extract_event, queue };
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, hooks, &|message, context| handle(handler, message, context)).await }
            .boxed_local()
    })
    .await
}

/// Handles one batch like [`run`], without the Lambda runtime. `event` is an SQS batch and the result its partial batch response. Fails
/// only if `event` is not an SQS batch.
pub async fn batch<E, F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    queue: &(impl DeadLetters + QueueControl),
    handler: &F,
) -> Result<Value, FunctionError>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    let hooks = &Hooks { parse: envelope::extract_event, queue };
    work(consumer, event, &InvocationContext::outside(clock), hooks, &|message, context| {
        handle(handler, message, context)
    })
    .await
}

/// A message from an external sender, not in an event envelope.
#[derive(Debug)]
pub struct RawMessage {
    /// The body as JSON, or as a string if it is not JSON.
    pub content: Value,
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// Message id.
    pub record_id: String,
}

/// Runs `consumer` with `handler` like [`run`], for a queue with messages of an external sender.
pub async fn run_raw<F>(consumer: Consumer, queue: &(impl DeadLetters + QueueControl), handler: F) -> Result<(), Error>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let hooks = &Hooks { parse: parse_raw, queue };
    runtime::serve(&|event, invocation| {
        async move {
            work(consumer, event, &invocation, hooks, &|message, context| handle_raw(handler, message, context)).await
        }
        .boxed_local()
    })
    .await
}

/// Handles one batch like [`run_raw`], without the Lambda runtime.
pub async fn raw_batch<F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    queue: &(impl DeadLetters + QueueControl),
    handler: &F,
) -> Result<Value, FunctionError>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let hooks = &Hooks { parse: parse_raw, queue };
    work(consumer, event, &InvocationContext::outside(clock), hooks, &|message, context| {
        handle_raw(handler, message, context)
    })
    .await
}

/// Accepts any body; the handler interprets it.
fn parse_raw(body: &str) -> Result<Value, Failure> {
    Ok(serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
}

/// A handler as a trait object, so that the rest of the runner is compiled once and not for each function.
type Handle<'a> = dyn Fn(ParsedMessage, RecordContext) -> LocalBoxFuture<'a, Result<(), RecordError>> + 'a;

/// Parser and queue of a runner.
struct Hooks<'a> {
    parse: fn(&str) -> Result<Value, Failure>,
    queue: &'a dyn BoxedQueue,
}

/// Maximum backoff, in seconds.
const MAX_BACKOFF: u32 = 900;

/// Seconds over which a message is retried at least, in as many attempts.
pub fn retry_window_seconds(attempts: u32) -> u32 {
    (1..attempts).map(doubled).fold(0, u32::saturating_add)
}

/// Backoff after an attempt, without jitter.
fn doubled(attempt: u32) -> u32 {
    1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF)
}

/// Backoff in seconds after an attempt: doubled each time, plus jitter of up to a quarter derived from the message id, so that messages
/// that failed together are not redelivered together.
fn backoff(attempt: u32, id: &str) -> u32 {
    let doubled = doubled(attempt);
    let spread = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    (doubled + doubled * (spread % 26) / 100).min(MAX_BACKOFF)
}

/// A message that is parsed as JSON and not yet deserialized.
struct ParsedMessage {
    consumer: &'static str,
    event: Value,
    record_id: String,
    attempt: u32,
    last_attempt: bool,
}

fn handle<'a, E, F>(
    handler: &'a F,
    message: ParsedMessage,
    context: RecordContext,
) -> LocalBoxFuture<'a, Result<(), RecordError>>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    async move {
        let ParsedMessage { consumer, event, record_id, attempt, last_attempt } = message;
        let event = json::read_event(&event).map_err(RecordError::of_unreadable)?;
        let RecordContext { now, ids, trace, deadline } = context;
        let delivery = Delivery { event, consumer, now, ids, trace, attempt, last_attempt, record_id, deadline };
        handler(delivery).await.map_err(RecordError::Failed)
    }
    .boxed_local()
}

fn handle_raw<'a, F>(
    handler: &'a F,
    message: ParsedMessage,
    context: RecordContext,
) -> LocalBoxFuture<'a, Result<(), RecordError>>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let message = RawMessage { content: message.event, now: context.now, record_id: message.record_id };
    async move { handler(message).await.map_err(RecordError::Failed) }.boxed_local()
}

/// The members of an SQS message that are read.
#[derive(Debug)]
struct Message {
    id: String,
    receipt_handle: String,
    body: String,
    attempt: u32,
    /// When it was sent, in milliseconds.
    sent: Option<i64>,
    xray: Option<String>,
    source: String,
    attributes: BTreeMap<String, String>,
}

impl Message {
    fn read(record: &Value) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let system = |name: &str| text(record.get("attributes").and_then(|attributes| attributes.get(name)));
        let attributes = record.get("messageAttributes").and_then(Value::as_object);
        Some(Self {
            id: text(record.get("messageId"))?,
            receipt_handle: text(record.get("receiptHandle")).unwrap_or_default(),
            body: text(record.get("body")).unwrap_or_default(),
            attempt: system("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
            sent: system("SentTimestamp").and_then(|sent| sent.parse().ok()),
            xray: system("AWSTraceHeader"),
            source: text(record.get("eventSourceARN")).unwrap_or_default(),
            attributes: attributes
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), text(value.get("stringValue"))?)))
                .collect(),
        })
    }

    fn dead_letter(&self, consumer: &Consumer) -> DeadLetter {
        DeadLetter {
            body: self.body.clone(),
            reason: String::new(),
            detail: String::new(),
            function: consumer.function.to_owned(),
            attempt: self.attempt,
            record_id: self.id.clone(),
            source: self.source.clone(),
            attributes: self.attributes.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordResult {
    Processed,
    DeadLettered,
    Retry,
}

/// The partial batch response to an event. Boxed, so that it is compiled here, and not in each function's crate.
fn work<'a>(
    consumer: &'a Consumer,
    mut event: Value,
    invocation: &'a InvocationContext,
    hooks: &'a Hooks<'_>,
    handle: &'a Handle<'_>,
) -> LocalBoxFuture<'a, Result<Value, FunctionError>> {
    async move {
        let started = invocation.clock.now();
        let messages: Option<Vec<Message>> =
            consumer::records(&mut event).and_then(|records| records.iter().map(Message::read).collect());
        let Some(messages) = messages else {
            // A partial response needs message ids: without them the whole batch is retried.
            return Err(FunctionError::not_an_event_of("SQS", "it has no Records with a messageId"));
        };
        let outcomes: Vec<RecordResult> = stream::iter(&messages)
            .map(|message| one(consumer, message, invocation, hooks, handle))
            .buffered(consumer.concurrency.max(1))
            .collect()
            .await;

        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let summary = BatchSummary {
            processed: count(RecordResult::Processed),
            dead_lettered: count(RecordResult::DeadLettered),
            retried: count(RecordResult::Retry),
        };
        summary.report(invocation.clock.millis_since(started));
        let retried = || {
            messages.iter().zip(&outcomes).filter(|(_, out)| **out == RecordResult::Retry).map(|(message, _)| message)
        };
        back_off(retried(), &invocation.clock, hooks).await;
        Ok(consumer::failures(retried().map(|message| message.id.as_str())))
    }
    .boxed_local()
}

/// Backs off messages that are redelivered, started or not, so that they do not exhaust `maxReceiveCount`. Gives up when the response is
/// due, because a late response makes SQS redeliver the processed messages, too.
async fn back_off(messages: impl Iterator<Item = &Message>, clock: &Clock, hooks: &Hooks<'_>) {
    let changes: Vec<_> = messages
        .map(|message| {
            let seconds = backoff(message.attempt, &message.id);
            dead_letters::change_visibility(hooks.queue, &message.receipt_handle, seconds)
        })
        .collect();
    if !changes.is_empty() && in_time(clock, join_all(changes)).await.is_none() {
        tracing::warn!("no time was left to back off the messages that are redelivered");
    }
}

/// The result of `work`, or `None` if the response would be late.
async fn in_time<T>(clock: &Clock, work: impl Future<Output = T>) -> Option<T> {
    match clock.remaining_to_report() {
        None => Some(work.await),
        Some(left) => tokio::time::timeout(left, work).await.ok(),
    }
}

async fn one(
    consumer: &Consumer,
    message: &Message,
    invocation: &InvocationContext,
    hooks: &Hooks<'_>,
    handle: &Handle<'_>,
) -> RecordResult {
    let clock = &invocation.clock;
    let parsed = (hooks.parse)(&message.body);
    let document = parsed.as_ref().unwrap_or(&Value::Null);
    let context = RecordContext::of(document, message.xray.as_deref().or(invocation.xray.as_deref()), clock);
    let (span, trace) = (context.span(&message.id), context.trace.clone());
    let outcome = async {
        let last_attempt = message.attempt >= consumer.max_receive_count;
        let is_late = !consumer::has_time(clock);
        let result = match parsed {
            _ if is_late => Err(RecordError::Failed(Failure::unavailable("time", "not started before the deadline"))),
            Err(failure) => Err(RecordError::Malformed(failure)),
            Ok(event) => {
                let message = ParsedMessage {
                    consumer: consumer.function,
                    event,
                    record_id: message.id.clone(),
                    attempt: message.attempt,
                    last_attempt,
                };
                match consumer.check_source(&message.event) {
                    Ok(()) => catch(clock, handle(message, context)).await,
                    Err(error) => Err(error),
                }
            }
        };
        let Err(error) = result else { return RecordResult::Processed };
        telemetry::log_failure("record", error.failure());
        let age = consumer::age(message.sent, clock.now());
        // A message that was not started has not failed, however old it is.
        if (is_late || error.may_wait_in_queue(age, message.attempt)) && !last_attempt {
            return RecordResult::Retry;
        }
        let dead_letter = message.dead_letter(consumer).with_error(&error);
        if in_time(clock, dead_letters::store(hooks.queue, dead_letter.clone())).await != Some(true) {
            return RecordResult::Retry;
        }
        // What is stored must not be retried because there was no time to record it.
        in_time(clock, hooks.queue.record_boxed(&dead_letter)).await;
        RecordResult::DeadLettered
    }
    .instrument(span)
    .await;
    spans::end(&trace, outcome == RecordResult::Processed);
    outcome
}

/// [`catch_panic`] for work that can also fail because the record is malformed.
async fn catch(clock: &Clock, work: LocalBoxFuture<'_, Result<(), RecordError>>) -> Result<(), RecordError> {
    match catch_panic(clock, work.map(Ok)).await {
        Ok(result) => result,
        Err(failure) => Err(RecordError::Failed(failure)),
    }
}
