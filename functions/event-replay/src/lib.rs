//! `POST /api/v1/ops/replay`: delivers published events again to one consumer, for admins.
//!
//! They come from the outboxes, which keep them for seven days, and go to the queue of the consumer alone. A consumer that claims each event skips
//! those that it has handled, so that no mail is sent and no card charged twice; one that keeps a copy handles them again. An event that is older
//! than claims are kept is never delivered, however late it was published again. Who does it and why is recorded before the first event is
//! sent. With an `Idempotency-Key`, a repeated request gets the first response and sends nothing.

use api::ReplayView;
use domain::{
    redrive::{OperatorActionKind, OperatorActionResult},
    replay::Replay,
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{ConsumerQueues, EventHistory, OperatorActions, PublishedEvent};

/// Replays a page of events, or with `dry_run` says which these are.
pub async fn handle(
    history: &impl EventHistory,
    queues: &impl ConsumerQueues,
    actions: &impl OperatorActions,
    call: Call<Replay>,
) -> Result<Reply<ReplayView>, Failure> {
    let selection = call.body.selection(call.now)?;
    let (wanted, call) = call.into_parts();
    let page = history.published(&selection, wanted.most(), wanted.cursor.as_deref()).await.map_err(in_body)?;
    let ids = page.items.iter().map(|event| event.id).collect();
    if wanted.dry_run {
        return Ok(Reply::ok(ReplayView::new(None, &selection, ids, 0, page.next)));
    }
    let key = call.idempotency.as_ref();
    let action = wanted.action(call.ids.next(), call.principal()?.id, call.now);
    if let IdempotencyOutcome::Replayed(first) = actions.begin(&action, key).await? {
        return Ok(Reply::replay(first));
    }
    let send = async |event: &PublishedEvent, delay_s| queues.send(selection.consumer, &event.body, delay_s).await;
    let (replayed, result) = services::send_each(&page.items, wanted.delays(), send).await;
    let reply = Reply::ok(ReplayView::new(Some(action.id), &selection, ids, replayed, page.next));
    let stored = result.is_ok().then(|| reply.to_stored()).transpose()?;
    let outcome =
        OperatorActionResult { verb: OperatorActionKind::Replay, found: page.items.len(), succeeded: replayed };
    actions.finish(action.id, outcome, call.now, key.map(|key| (key, stored.as_ref()))).await?;
    result.map(|()| reply)
}

/// The cursor is a member of the body, and not a parameter of a list.
fn in_body(failure: Failure) -> Failure {
    match failure.fields.first() {
        Some(field) if field.pointer == "?cursor" => Failure::field("/cursor", field.detail.clone()),
        _ => failure,
    }
}
