//! Adds a delivery of a public event to each endpoint that subscribed to it, with the members of the event that may leave.

use domain::{event, id::DeliveryId, webhook};
use edge::Delivery;
use kernel::Failure;
use ports::WebhookQueue;
use serde_json::{Map, Value};

/// Enqueues one event. Each endpoint gets it once, since the id of the delivery is that of the event.
pub async fn handle(webhooks: &impl WebhookQueue, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    let row = event::redact(&mut event)?;
    let data = event.event.remove("data").unwrap_or_default();
    let payload = webhook::payload(row.name, event.time, &data);
    webhooks.enqueue(DeliveryId(event.id), row.name, &payload, delivery.now).await.map(drop)
}
