//! `POST /api/v1/ops/queues/{name}/redrive`: moves dead letters of a consumer back to its queue, for admins. Those of a consumer of Kafka are
//! appended to their topic again, where each of its consumers reads them once more and recognizes what it has handled.
//!
//! Moves one message, a selection or all of them, at a limited rate, unchanged or with a JSON Patch applied. Operator, reason and request are
//! recorded before the first message is moved, the result after the last. With an `Idempotency-Key`, a repeated request gets the first response;
//! without one, it finds the messages gone, and consumers recognize what they have handled.

mod selection;

use api::{EditedMessageView, RedriveView, RefusedMessageView};
use catalog::Function;
use domain::{
    redrive::{self, Action, OperatorActionKind, OperatorActionResult, Redrive},
    timeline,
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome, Timestamp, Uuid};
use ports::{DeadLetterQueues, EventLog, EventLogRecord, OperatorActions};
use selection::{ReadyMessage, Selection};

/// Redrives, or with `dry_run` says what it would redrive.
pub async fn handle(
    queues: &impl DeadLetterQueues,
    log: &impl EventLog,
    actions: &impl OperatorActions,
    call: Call<Redrive>,
) -> Result<Reply<RedriveView>, Failure> {
    let consumer = consumer(&call.path::<String>("name")?)?;
    call.body.check(consumer)?;
    let (wanted, call) = call.into_parts();
    if wanted.dry_run {
        let selection = Selection::receive(queues, consumer, &wanted).await?;
        queues.release(consumer.name, &selection.unsent(0)).await?;
        let edited = if wanted.patch.is_some() { edited(&selection) } else { Vec::new() };
        return Ok(Reply::ok(RedriveView { edited, ..view(None, consumer, &selection, 0) }));
    }
    let key = call.idempotency.as_ref();
    let action = Action::redrive(call.ids.next(), call.principal()?.id, consumer.name, &wanted, call.now);
    if let IdempotencyOutcome::Replayed(first) = actions.begin(&action, key).await? {
        return Ok(Reply::replay(first));
    }
    let (selection, redriven, result) = redrive((queues, log), consumer, &wanted, call.now).await;
    let reply = Reply::ok(view(Some(action.id), consumer, &selection, redriven));
    let stored = result.is_ok().then(|| reply.to_stored()).transpose()?;
    let outcome =
        OperatorActionResult { verb: OperatorActionKind::Redrive, found: selection.ids.len(), succeeded: redriven };
    actions.finish(action.id, outcome, call.now, key.map(|key| (key, stored.as_ref()))).await?;
    queues.release(consumer.name, &selection.unsent(redriven)).await?;
    result.map(|()| reply)
}

/// The consumer of this name, if its dead letters can be delivered to it again.
fn consumer(name: &str) -> Result<&'static Function, Failure> {
    let known = catalog::find(name).filter(|function| function.has_dead_letter_queue());
    let function = known.ok_or_else(|| Failure::not_found("queue"))?;
    if function.is_redrivable() { Ok(function) } else { Err(redrive::not_redrivable(function.name)) }
}

/// Moves the selected messages until one fails. Returns the selection, the number of moved messages, and the failure.
async fn redrive(
    (queues, log): (&impl DeadLetterQueues, &impl EventLog),
    consumer: &Function,
    wanted: &Redrive,
    now: Timestamp,
) -> (Selection, usize, Result<(), Failure>) {
    let selection = match Selection::receive(queues, consumer, wanted).await {
        Ok(selection) => selection,
        Err(failure) => return (Selection::default(), 0, Err(failure)),
    };
    let send = async |ReadyMessage { message, record }: &ReadyMessage, delay_s| {
        let Some((topic, key)) = record else { return queues.redrive(consumer.name, message, delay_s).await };
        // Its time is now: consumers measure by it how long the record waits, and the topic deletes by it.
        let (key, value) = (key.clone(), Some(message.body.clone()));
        log.append(&EventLogRecord { topic: topic.name, key, value, time: now }).await?;
        // After a crash before this, both exist: the record is appended twice, and recognized.
        queues.remove(consumer.name, message).await
    };
    let (redriven, result) = services::send_each(&selection.ready, wanted.delays(), send).await;
    (selection, redriven, result)
}

fn view(action: Option<Uuid>, consumer: &Function, selection: &Selection, redriven: usize) -> RedriveView {
    let refused = selection.refused.iter().map(|(message, failure)| RefusedMessageView {
        message_id: message.id.clone(),
        reason: failure.code,
        detail: failure.detail.clone(),
    });
    RedriveView {
        refused: refused.collect(),
        ..RedriveView::new(action, consumer.name, selection.ids.clone(), redriven)
    }
}

/// The redacted events that the redrive would send.
fn edited(selection: &Selection) -> Vec<EditedMessageView> {
    let view = |ReadyMessage { message, .. }: &ReadyMessage| {
        let event = timeline::record(edge::event_in(&message.body).ok()?).ok()?;
        Some(EditedMessageView { message_id: message.id.clone(), event: (&event).into() })
    };
    selection.ready.iter().filter_map(view).collect()
}
