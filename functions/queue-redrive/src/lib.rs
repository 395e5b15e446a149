//! `POST /api/v1/ops/queues/{name}/redrive`: moves dead letters of a consumer back to its queue, or discards them, for admins. Those of a
//! consumer of Kafka are appended to their topic again, where each of its consumers reads them once more and recognizes what it has handled.
//!
//! Moves one message, a selection or all of them, at a limited rate, unchanged or with a JSON Patch applied. Operator, reason and request are
//! recorded before the first message is moved, the result after the last. With an `Idempotency-Key`, a repeated request gets the first response;
//! without one, it finds the messages gone, and consumers recognize what they have handled.

mod selection;

use api::{EditedMessageView, MessageForecastView, RedriveView, RefusedMessageView};
use catalog::Function;
use domain::{
    dead_letter::{self, DeadLetterAction, DiscardedMessage},
    forecast::Forecast,
    queue::DeadMessage,
    redrive::{Action, OperatorActionResult, Redrive},
    timeline::{self, EventRecord},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome, Timestamp, Uuid};
use ports::{DeadLetterQueues, DeliveryStatuses, EventLog, EventLogRecord, OperatorActions};
use selection::{ReadyMessage, Selection};

/// Redrives or discards, or with `dry_run` says what it would do.
pub async fn handle(
    queues: &impl DeadLetterQueues,
    log: &impl EventLog,
    actions: &impl OperatorActions,
    statuses: &impl DeliveryStatuses,
    call: Call<Redrive>,
) -> Result<Reply<RedriveView>, Failure> {
    let consumer = consumer(&call.path::<String>("name")?, call.body.action)?;
    call.body.check(consumer)?;
    let (wanted, call) = call.into_parts();
    let operator = call.principal()?.id;
    let selection = Selection::receive(queues, consumer, &wanted).await?;
    if wanted.dry_run {
        queues.release(consumer.name, &selection.unsent(0)).await?;
        let forecasts = forecasts(statuses, consumer, &selection, call.now).await?;
        let edited = if wanted.patch.is_some() { edited(&selection) } else { Vec::new() };
        let view = view(None, consumer, &selection, (wanted.action, 0));
        return Ok(Reply::ok(RedriveView { forecasts, edited, ..view }));
    }
    let key = call.idempotency.as_ref();
    let action = Action::redrive(call.ids.next(), operator, consumer.name, &wanted, call.now);
    let action = match wanted.action {
        DeadLetterAction::Redrive => action,
        // What is deleted is in the audit before.
        DeadLetterAction::Discard => action.with_discarded(&discarded(&selection.ready)),
    };
    let begun = actions.begin(&action, key).await;
    if !matches!(begun, Ok(IdempotencyOutcome::Committed)) {
        queues.release(consumer.name, &selection.unsent(0)).await?;
    }
    if let IdempotencyOutcome::Replayed(first) = begun? {
        return Ok(Reply::replay(first));
    }
    let (succeeded, result) = act((queues, log), consumer, (&wanted, &selection), call.now).await;
    let reply = Reply::ok(view(Some(action.id), consumer, &selection, (wanted.action, succeeded)));
    let stored = result.is_ok().then(|| reply.to_stored()).transpose()?;
    let outcome = OperatorActionResult { verb: action.verb, found: selection.ids.len(), succeeded };
    actions.finish(action.id, outcome, call.now, key.map(|key| (key, stored.as_ref()))).await?;
    queues.release(consumer.name, &selection.unsent(succeeded)).await?;
    result.map(|()| reply)
}

/// The consumer of this name, if that can be done with its dead letters.
fn consumer(name: &str, action: DeadLetterAction) -> Result<&'static Function, Failure> {
    let known = catalog::find(name).filter(|function| function.has_dead_letter_queue());
    let function = known.ok_or_else(|| Failure::not_found("queue"))?;
    let is_possible = function.is_redrivable() || action == DeadLetterAction::Discard;
    if is_possible { Ok(function) } else { Err(dead_letter::not_redrivable(function.name)) }
}

/// Moves or deletes the selected messages until one fails. Returns the number of messages that it did, and the failure.
async fn act(
    (queues, log): (&impl DeadLetterQueues, &impl EventLog),
    consumer: &Function,
    (wanted, selection): (&Redrive, &Selection),
    now: Timestamp,
) -> (usize, Result<(), Failure>) {
    let send = async |ReadyMessage { message, record }: &ReadyMessage, delay_s| {
        if wanted.action == DeadLetterAction::Discard {
            return queues.remove(consumer.name, message).await;
        }
        let Some((topic, key)) = record else { return queues.redrive(consumer.name, message, delay_s).await };
        // The time of the append, not that of the first one: consumers measure by it how long the record waits, and the topic deletes by it.
        let (key, value) = (key.clone(), Some(message.body.clone()));
        log.append(&EventLogRecord { topic: topic.name, key, value, time: now }).await?;
        // After a crash before this, both exist: the record is appended twice, and recognized.
        queues.remove(consumer.name, message).await
    };
    services::send_each(&selection.ready, wanted.delays(), send).await
}

/// What the consumer would do with the messages as they would be sent.
async fn forecasts(
    statuses: &impl DeliveryStatuses,
    consumer: &'static Function,
    selection: &Selection,
    now: Timestamp,
) -> Result<Vec<MessageForecastView>, Failure> {
    let events: Vec<_> = selection.ready.iter().map(|ready| edge::event_in(&ready.message.body)).collect();
    let forecasts = services::forecasts(statuses, consumer, &events, now).await?;
    let view = |(ready, forecast): (&ReadyMessage, &Forecast)| MessageForecastView {
        message_id: ready.message.id.clone(),
        forecast: forecast.into(),
    };
    Ok(selection.ready.iter().zip(&forecasts).map(view).collect())
}

fn view(id: Option<Uuid>, consumer: &Function, selection: &Selection, done: (DeadLetterAction, usize)) -> RedriveView {
    let refused = selection.refused.iter().map(|(message, failure)| RefusedMessageView {
        message_id: message.id.clone(),
        reason: failure.code,
        detail: failure.detail.clone(),
    });
    let (refused, has_more) = (refused.collect(), selection.has_more);
    RedriveView { refused, has_more, ..RedriveView::new(id, consumer.name, selection.ids.clone(), done) }
}

/// The redacted events that the redrive would send.
fn edited(selection: &Selection) -> Vec<EditedMessageView> {
    let view = |ReadyMessage { message, .. }: &ReadyMessage| {
        Some(EditedMessageView { message_id: message.id.clone(), event: (&redacted(message)?).into() })
    };
    selection.ready.iter().filter_map(view).collect()
}

/// What the audit keeps of messages that are deleted.
fn discarded(messages: &[ReadyMessage]) -> Vec<DiscardedMessage> {
    messages.iter().map(|ReadyMessage { message, .. }| DiscardedMessage::new(message, redacted(message))).collect()
}

fn redacted(message: &DeadMessage) -> Option<EventRecord> {
    timeline::record(edge::event_in(&message.body).ok()?).ok()
}
