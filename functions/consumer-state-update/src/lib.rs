//! `PUT /api/v1/ops/consumers/{name}/state`: pauses or resumes a consumer, for admins.
//!
//! All event source mappings of its function are stopped or started. Messages of a paused consumer wait in their queue, stream or topic for as
//! long as that keeps them. Who does it and why is recorded before the first mapping changes, and the result after the last. With an
//! `Idempotency-Key`, a repeated request gets the first response; without one, it finds the state that it wants.

use api::ConsumerStateView;
use domain::{
    consumer::{self, ConsumerState, Mapping, UpdateConsumerState},
    redrive::OperatorActionResult,
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{ConsumerControl, OperatorActions};

/// Pauses or resumes. A consumer that has the state already is left alone.
pub async fn handle(
    mappings: &impl ConsumerControl,
    actions: &impl OperatorActions,
    call: Call<UpdateConsumerState>,
) -> Result<Reply<ConsumerStateView>, Failure> {
    let consumer = consumer::pausable(&call.path::<String>("name")?)?.name;
    let (wanted, call) = call.into_parts();
    let key = call.idempotency.as_ref();
    let action = wanted.action(call.ids.next(), call.principal()?.id, consumer, call.now);
    if let IdempotencyOutcome::Replayed(first) = actions.begin(&action, key).await? {
        return Ok(Reply::replay(first));
    }
    let mut progress = Progress::default();
    let result = change(mappings, consumer, &wanted, &mut progress).await;
    let state = consumer::state_of(&progress.mappings).unwrap_or(ConsumerState::Changing);
    let reply = Reply::ok(ConsumerStateView::new(action.id, consumer, state, progress.changed));
    let stored = result.is_ok().then(|| reply.to_stored()).transpose()?;
    let outcome =
        OperatorActionResult { verb: action.verb, found: progress.mappings.len(), succeeded: progress.changed };
    actions.finish(action.id, outcome, call.now, key.map(|key| (key, stored.as_ref()))).await?;
    result.map(|()| reply)
}

/// How far a change is.
#[derive(Default)]
struct Progress {
    /// The mappings of the consumer, as they are now.
    mappings: Vec<Mapping>,
    /// How many were changed.
    changed: usize,
}

/// Changes one mapping after the other, until one fails.
async fn change(
    control: &impl ConsumerControl,
    consumer: &str,
    wanted: &UpdateConsumerState,
    Progress { mappings, changed }: &mut Progress,
) -> Result<(), Failure> {
    *mappings = control.list().await?.into_iter().filter(|mapping| mapping.consumer == consumer).collect();
    if mappings.is_empty() {
        return Err(consumer::not_pausable(consumer));
    }
    for mapping in wanted.to_change(mappings)? {
        *mapping = control.set_state(mapping, wanted.state).await?;
        *changed += 1;
    }
    Ok(())
}
