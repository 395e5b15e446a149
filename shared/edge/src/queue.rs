//! The runner for a queue (SQS): each message is read, handled and reported by itself.
//!
//! A message that nobody can read, or that failed finally, is buried with its reason and counts as done. One that failed in a way
//! that may pass, or whose handler panicked, is reported and comes again, each time later; at its last delivery it is buried as
//! well, for the queue would move it without a reason. Handlers see every message at least once.

#[cfg(test)]
mod tests;

use crate::catch_panic::catch_panic;
use crate::consumer::{self, BatchSummary, Consumer, Delivery, RecordContext, RecordError};
use crate::dead_letters::{self, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, json, telemetry};
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use kernel::{Failure, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use tracing::Instrument;

/// Serves `consumer` with `handler` for as long as Lambda sends batches.
///
/// `E` is the adjacently tagged enum of the events that the function takes; `serde_json::Map<String, Value>` takes any event,
/// with `type` and `data` as its members, and writes it as it came.
pub async fn run<E, F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let hooks = &Hooks::of(dead_letters, envelope::extract_event);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, hooks, &|message, context| handle(handler, message, context)).await }
            .boxed_local()
    })
    .await
}

/// Handles one batch: all that [`run`] does, without the Lambda runtime. `event` is SQS's batch, the answer its partial response.
/// Fails only where `event` is not a batch of SQS.
pub async fn batch<E, F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    let hooks = &Hooks::of(dead_letters, envelope::extract_event);
    work(consumer, event, &InvocationContext::outside(clock), hooks, &|message, context| {
        handle(handler, message, context)
    })
    .await
}

/// A message of somebody else's, no event of ours.
#[derive(Debug)]
pub struct RawMessage {
    /// What it says: JSON, or a string of what is none.
    pub content: Value,
    /// When the work on it began; the only time that a handler knows.
    pub now: Timestamp,
    /// The queue's name for the message.
    pub record_id: String,
}

/// Serves `consumer`, whose queue carries messages of somebody else's, like [`run`].
pub async fn run_raw<F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let hooks = &Hooks::of(dead_letters, as_it_is);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, hooks, &|message, context| hear(handler, message, context)).await }
            .boxed_local()
    })
    .await
}

/// Handles one batch: all that [`run_raw`] does, without the Lambda runtime.
pub async fn raw_batch<F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let hooks = &Hooks::of(dead_letters, as_it_is);
    work(consumer, event, &InvocationContext::outside(clock), hooks, &|message, context| {
        hear(handler, message, context)
    })
    .await
}

/// Whatever somebody else sends is for the handler to read.
fn as_it_is(body: &str) -> Result<Value, Failure> {
    Ok(serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
}

/// A handler and a burial with their types taken off, so that the rest is compiled once and not once a function.
type Handle<'a> = dyn Fn(Opened, RecordContext) -> LocalBoxFuture<'a, Result<(), RecordError>> + 'a;
struct Hooks<'a> {
    open: fn(&str) -> Result<Value, Failure>,
    bury: Box<dyn Fn(DeadLetter) -> LocalBoxFuture<'a, bool> + 'a>,
    postpone: Box<dyn Fn(String, u32) -> LocalBoxFuture<'a, ()> + 'a>,
}

impl<'a> Hooks<'a> {
    fn of(letters: &'a impl DeadLetters, open: fn(&str) -> Result<Value, Failure>) -> Self {
        Self {
            open,
            bury: Box::new(|letter| dead_letters::bury(letters, letter).boxed_local()),
            postpone: Box::new(|receipt, seconds| dead_letters::postpone(letters, receipt, seconds).boxed_local()),
        }
    }
}

/// The longest that a message is put off, in seconds.
const LONGEST_WAIT: u32 = 900;

/// Seconds that a message is tried for at least, when the queue delivers it `receives` times.
pub fn retry_window_seconds(receives: u32) -> u32 {
    (1..receives).map(doubled).fold(0, u32::saturating_add)
}

fn doubled(attempt: u32) -> u32 {
    1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

/// Seconds until the next delivery after the `attempt`th: doubled each time, and up to a quarter more, by the message's id, so that
/// what failed together does not come back together.
fn wait(attempt: u32, id: &str) -> u32 {
    let doubled = doubled(attempt);
    let spread = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    (doubled + doubled * (spread % 26) / 100).min(LONGEST_WAIT)
}

/// A message whose event has been found and not yet been given a type.
struct Opened {
    consumer: &'static str,
    event: Value,
    record_id: String,
    attempt: u32,
    last_attempt: bool,
}

fn handle<'a, E, F>(
    handler: &'a F,
    message: Opened,
    context: RecordContext,
) -> LocalBoxFuture<'a, Result<(), RecordError>>
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    async move {
        let Opened { consumer, event, record_id, attempt, last_attempt } = message;
        let event = json::read(event).map_err(RecordError::Malformed)?;
        let RecordContext { now, ids, trace, deadline } = context;
        let delivery = Delivery { event, consumer, now, ids, trace, attempt, last_attempt, record_id, deadline };
        handler(delivery).await.map_err(RecordError::Failed)
    }
    .boxed_local()
}

fn hear<'a, F>(handler: &'a F, message: Opened, context: RecordContext) -> LocalBoxFuture<'a, Result<(), RecordError>>
where
    F: AsyncFn(RawMessage) -> Result<(), Failure>,
{
    let notice = RawMessage { content: message.event, now: context.now, record_id: message.record_id };
    async move { handler(notice).await.map_err(RecordError::Failed) }.boxed_local()
}

/// A message as SQS sends it, as far as we need it.
#[derive(Debug)]
struct Message {
    id: String,
    receipt: String,
    body: String,
    attempt: u32,
    /// Only a FIFO queue's messages have one.
    group: Option<String>,
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
            receipt: text(record.get("receiptHandle")).unwrap_or_default(),
            body: text(record.get("body")).unwrap_or_default(),
            attempt: system("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
            group: system("MessageGroupId"),
            xray: system("AWSTraceHeader"),
            source: text(record.get("eventSourceARN")).unwrap_or_default(),
            attributes: attributes
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), text(value.get("stringValue"))?)))
                .collect(),
        })
    }

    fn letter(&self, consumer: &Consumer) -> DeadLetter {
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
enum Outcome {
    Done,
    Buried,
    Again,
}

async fn work(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    hooks: &Hooks<'_>,
    handle: &Handle<'_>,
) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    let messages: Option<Vec<Message>> =
        consumer::records(&mut event).and_then(|records| records.iter().map(Message::read).collect());
    let Some(messages) = messages else {
        // Without an id there is nothing to report by: the whole batch has to come again.
        return Err(FunctionError::not_an_event_of("SQS", "it has no Records with a messageId"));
    };
    let in_order = messages.iter().any(|message| message.group.is_some());
    let concurrency = if in_order { 1 } else { consumer.concurrency.max(1) };
    let stopped_groups = RefCell::new(HashSet::new());

    let outcomes: Vec<Outcome> = stream::iter(&messages)
        .map(|message| async {
            if message.group.as_ref().is_some_and(|group| stopped_groups.borrow().contains(group)) {
                // In a FIFO queue nothing may overtake a message of its group that comes again.
                return Outcome::Again;
            }
            let outcome = one(consumer, message, invocation, hooks, handle).await;
            if outcome == Outcome::Again
                && let Some(group) = &message.group
            {
                stopped_groups.borrow_mut().insert(group.clone());
            }
            outcome
        })
        .buffered(concurrency)
        .collect()
        .await;

    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let summary = BatchSummary {
        processed: count(Outcome::Done),
        dead_lettered: count(Outcome::Buried),
        retried: count(Outcome::Again),
    };
    summary.report(invocation.clock.millis_since(started));
    let again =
        || messages.iter().zip(&outcomes).filter(|(_, out)| **out == Outcome::Again).map(|(message, _)| message);
    postpone(again(), &invocation.clock, hooks).await;
    Ok(consumer::failures(again().map(|message| message.id.as_str())))
}

/// Puts off all that comes again, begun or not: what comes again at once uses its deliveries up in no time. It is asked for all at
/// once, and for no longer than there is time: a report that comes too late brings back the messages that are done, too.
async fn postpone(messages: impl Iterator<Item = &Message>, clock: &Clock, hooks: &Hooks<'_>) {
    let asked = messages.map(|message| (hooks.postpone)(message.receipt.clone(), wait(message.attempt, &message.id)));
    let asked: Vec<_> = asked.collect();
    if !asked.is_empty() && in_time(clock, join_all(asked)).await.is_none() {
        tracing::warn!("there was no time to postpone all that comes again");
    }
}

/// What `work` came to, unless the report would be late for it.
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
) -> Outcome {
    let clock = &invocation.clock;
    let opened = (hooks.open)(&message.body);
    let about = opened.as_ref().unwrap_or(&Value::Null);
    let context = RecordContext::of(about, message.xray.as_deref().or(invocation.xray.as_deref()), clock);
    let span = context.span(&message.id);
    async {
        let last_attempt = message.attempt >= consumer.max_receive_count;
        let done = match opened {
            _ if !consumer::has_time(clock) => {
                Err(RecordError::Failed(Failure::unavailable("time", "it was not begun")))
            }
            Err(failure) => Err(RecordError::Malformed(failure)),
            Ok(event) => {
                let opened = Opened {
                    consumer: consumer.function,
                    event,
                    record_id: message.id.clone(),
                    attempt: message.attempt,
                    last_attempt,
                };
                contained(clock, handle(opened, context)).await
            }
        };
        let Err(stop) = done else { return Outcome::Done };
        telemetry::log_failure("record", stop.failure());
        if stop.is_retryable() && !last_attempt {
            return Outcome::Again;
        }
        match in_time(clock, (hooks.bury)(message.letter(consumer).with_error(&stop))).await {
            Some(true) => Outcome::Buried,
            Some(false) | None => Outcome::Again,
        }
    }
    .instrument(span)
    .await
}

/// Like [`catch_panic`], for work that may also stop because the record cannot be read.
async fn contained(clock: &Clock, work: LocalBoxFuture<'_, Result<(), RecordError>>) -> Result<(), RecordError> {
    match catch_panic(clock, work.map(Ok)).await {
        Ok(done) => done,
        Err(failure) => Err(RecordError::Failed(failure)),
    }
}
