//! `GET /api/v1/ops/dead-letters?queue=&reason=`: dead letters of a consumer, each with its reason, with what its consumer would do with it, and
//! without personal data, for admins.

use api::{DeadLetterView, ListView};
use domain::{event_patch, forecast::Forecast, queue::DeadMessage, text::FailureCode, timeline};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{DeadLetterQueues, DeliveryStatuses};

/// Most messages that are searched for a reason: their queue hides them meanwhile.
const MAX_SEARCHED: u32 = 200;

/// Lists up to `limit` dead letters. SQS has no order and no pages: a longer queue shows others when these are redriven.
pub async fn handle(
    queues: &impl DeadLetterQueues,
    statuses: &impl DeliveryStatuses,
    call: Call<NoBody>,
) -> Result<Reply<ListView<DeadLetterView>>, Failure> {
    let page = call.page()?;
    let consumer = call.query::<String>("queue")?.unwrap_or_default();
    let known = catalog::find(&consumer).filter(|function| function.has_dead_letter_queue());
    let consumer = known.ok_or_else(|| Failure::field("?queue", "must be the name of a consumer"))?;
    let reason = call.parsed("reason", FailureCode::parse)?;
    let most = if reason.is_some() { MAX_SEARCHED } else { page.limit };
    let mut messages = queues.receive(consumer.name, most).await?;
    queues.release(consumer.name, &messages).await?;
    messages.retain(|message| reason.as_ref().is_none_or(|code| message.reason_code() == code.as_str()));
    messages.truncate(usize::try_from(page.limit).map_err(Failure::internal)?);
    let events: Vec<_> = messages.iter().map(|message| edge::event_in(&message.body)).collect();
    let forecasts = services::forecasts(statuses, consumer, &events, call.now).await?;
    let items = messages.iter().zip(&forecasts).map(view).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}

/// The event in a dead letter is shown redacted; a body that is not an event is not shown.
fn view((message, forecast): (&DeadMessage, &Forecast)) -> DeadLetterView {
    let event = edge::event_in(&message.body).ok().and_then(|event| timeline::record(event).ok());
    let content = edge::extract_event(&message.body).ok().filter(|_| event.is_some());
    let editable = content.as_ref().map(event_patch::editable_members).unwrap_or_default();
    DeadLetterView::new(message, event.as_ref(), forecast, editable)
}
