//! Adds a delivery of a public event to each endpoint that subscribed to it, with the exported members of the event, and attempts
//! them at once.
//!
//! What is not attempted here, or not concluded, is left to `webhook-deliver`: nothing that a receiver does makes the event fail.

use domain::{event, id::DeliveryId, webhook};
use edge::{
    Delivery,
    telemetry::{self, metrics},
};
use kernel::{EventContext, Failure};
use ports::{Sealer, WebhookQueue, WebhookSender};
use serde_json::{Map, Value};
use services::WebhookAttempts;

/// Enqueues one event. Each endpoint gets it once, since the id of the delivery is that of the event.
pub async fn handle(
    webhooks: &impl WebhookQueue,
    sealer: &impl Sealer,
    sender: &impl WebhookSender,
    delivery: Delivery<Map<String, Value>>,
) -> Result<(), Failure> {
    let (now, ids, trace) = (delivery.now, &delivery.ids, &delivery.trace);
    let context = EventContext { now, ids, trace, actor: None };
    let mut event = delivery.event;
    let row = event::redact(&mut event)?;
    let data = event.event.remove("data").unwrap_or_default();
    let payload = webhook::payload(row.name, event.time, &data);
    let id = DeliveryId(event.id);
    if webhooks.enqueue(id, row.name, &payload, now).await? == 0 {
        return Ok(());
    }
    let attempts = WebhookAttempts { webhooks, sealer, sender, context: &context };
    for outcome in attempts.make_first(id).await.unwrap_or_else(|failure| vec![Err(failure)]) {
        match outcome {
            Ok(attempt) if attempt.is_disabled => metrics::count("WebhookEndpointsDisabled", 1),
            Ok(_) => {}
            Err(failure) => telemetry::log_item_failure("first attempt of a webhook delivery", id, &failure),
        }
    }
    Ok(())
}
