//! `GET /api/v1/ops/dead-letters?queue=`: dead letters of a consumer, each with its reason and without personal data, for admins.

use api::{DeadLetterView, ListView};
use domain::{event_patch, queue::DeadMessage, timeline};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::DeadLetterQueues;

/// Lists up to `limit` dead letters. SQS has no order and no pages: a longer queue shows others when these are redriven.
pub async fn handle(
    queues: &impl DeadLetterQueues,
    call: Call<NoBody>,
) -> Result<Reply<ListView<DeadLetterView>>, Failure> {
    let page = call.page()?;
    let consumer = call.query::<String>("queue")?.unwrap_or_default();
    let known = catalog::find(&consumer).filter(|function| function.has_dead_letter_queue());
    let consumer = known.ok_or_else(|| Failure::field("?queue", "must be the name of a consumer"))?;
    let messages = queues.receive(consumer.name, page.limit).await?;
    queues.release(consumer.name, &messages).await?;
    let items = messages.iter().map(view).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}

/// The event in a dead letter is shown redacted; a body that is not an event is not shown.
fn view(message: &DeadMessage) -> DeadLetterView {
    let event = edge::event_in(&message.body).ok().and_then(|event| timeline::record(event).ok());
    let content = edge::extract_event(&message.body).ok().filter(|_| event.is_some());
    let editable = content.as_ref().map(event_patch::editable_members).unwrap_or_default();
    DeadLetterView::new(message, event.as_ref(), editable)
}
