//! `POST /api/v1/webhook-endpoints/{id}/test`: sends an event of the type `webhook.test` to an endpoint.
//!
//! Returns 202 with the delivery, which has been attempted then; the result is in the log. 409 while the endpoint is disabled.

use api::WebhookDeliveryView;
use domain::{
    id::DeliveryId,
    webhook::{self, TEST_EVENT},
};
use edge::{
    http::{Call, NoBody, Reply},
    telemetry,
};
use kernel::Failure;
use ports::{Sealer, WebhookEndpoints, WebhookLog, WebhookQueue, WebhookSender};
use serde_json::json;
use services::{WebhookAttempts, enabled_endpoint};

/// Adds one delivery and attempts it.
pub async fn handle(
    webhooks: &(impl WebhookEndpoints + WebhookLog + WebhookQueue),
    sealer: &impl Sealer,
    sender: &impl WebhookSender,
    call: Call<NoBody>,
) -> Result<Reply<WebhookDeliveryView>, Failure> {
    let endpoint = enabled_endpoint(webhooks, call.path("id")?).await?;
    let payload = webhook::payload(TEST_EVENT, call.now, &json!({ "endpoint_id": endpoint.id }));
    let delivery = webhook::delivery((endpoint.id, DeliveryId(call.ids.next())), TEST_EVENT, payload, call.now);
    webhooks.add_delivery(&delivery).await?;
    let attempts = WebhookAttempts { webhooks, sealer, sender, context: &call.context() };
    if let Err(failure) = attempts.make_now(endpoint.id, delivery.id).await {
        telemetry::log_item_failure("attempt of a webhook delivery", delivery.id, &failure);
    }
    Ok(Reply::accepted(WebhookDeliveryView::from(&delivery)))
}
