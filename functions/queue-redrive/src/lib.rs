//! `POST /api/v1/ops/queues/{name}/redrive`: moves dead letters of a consumer back to its queue, for admins.
//!
//! One, a selection, or as many as there are, delivered at a rate. Who does it and why is recorded before the first message moves, and what
//! came of it after the last. A repeated request finds the messages gone, and consumers recognize what they have handled.

use api::RedriveView;
use domain::{
    queue::DeadMessage,
    redrive::{self, Action, Outcome, Redrive, Verb},
};
use edge::http::{Call, Reply};
use kernel::{Failure, Uuid};
use ports::{DeadLetterQueues, OperatorActions};

/// Redrives, or with `dry_run` says what it would redrive.
pub async fn handle(
    queues: &impl DeadLetterQueues,
    actions: &impl OperatorActions,
    call: Call<Redrive>,
) -> Result<Reply<RedriveView>, Failure> {
    let consumer = consumer(&call.path::<String>("name")?)?;
    call.body.check()?;
    let (wanted, call) = call.into_parts();
    if wanted.dry_run {
        let chosen = choose(queues, consumer, &wanted).await?;
        queues.release(consumer, &chosen).await?;
        return Ok(Reply::ok(view(None, consumer, &chosen, 0)));
    }
    let action = Action::redrive(call.ids.next(), call.principal()?.id, consumer, &wanted, call.now);
    actions.begin(&action).await?;
    let chosen = choose(queues, consumer, &wanted).await?;
    let (redriven, result) = move_back(queues, consumer, &chosen, &wanted).await;
    actions.finish(action.id, Outcome { verb: Verb::Redrive, matched: chosen.len(), done: redriven }, call.now).await?;
    queues.release(consumer, chosen.get(redriven..).unwrap_or_default()).await?;
    result.map(|()| Reply::ok(view(Some(action.id), consumer, &chosen, redriven)))
}

/// The consumer of this name, if its dead letters can go back to a queue.
fn consumer(name: &str) -> Result<&'static str, Failure> {
    let known = catalog::find(name).filter(|function| function.has_dead_letter_queue());
    let function = known.ok_or_else(|| Failure::not_found("queue"))?;
    if function.has_queue() { Ok(function.name) } else { Err(redrive::not_redrivable(function.name)) }
}

/// Receives the dead letters that are asked for, and no others.
async fn choose(queues: &impl DeadLetterQueues, consumer: &str, wanted: &Redrive) -> Result<Vec<DeadMessage>, Failure> {
    let received = queues.receive(consumer, wanted.reach()).await?;
    let (chosen, others) = wanted.choose(received, |message| message.id.as_str());
    queues.release(consumer, &others).await?;
    Ok(chosen)
}

/// Moves messages one by one until one fails. Returns how many were moved.
async fn move_back(
    queues: &impl DeadLetterQueues,
    consumer: &str,
    chosen: &[DeadMessage],
    wanted: &Redrive,
) -> (usize, Result<(), Failure>) {
    for (n, (message, delay_s)) in chosen.iter().zip(wanted.delays()).enumerate() {
        if let Err(failure) = queues.redrive(consumer, message, delay_s).await {
            return (n, Err(failure));
        }
    }
    (chosen.len(), Ok(()))
}

fn view(action: Option<Uuid>, consumer: &str, chosen: &[DeadMessage], redriven: usize) -> RedriveView {
    RedriveView::new(action, consumer, chosen.iter().map(|message| message.id.clone()).collect(), redriven)
}
