//! `POST /api/v1/webhook-endpoints/{id}/test`: sends an event of the type `webhook.test` to an endpoint.
//!
//! Returns 202 with the delivery, whose result is in the log. 409 while the endpoint is disabled.

use api::WebhookDeliveryView;
use domain::{
    id::DeliveryId,
    webhook::{self, TEST_EVENT},
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{WebhookEndpoints, WebhookLog};
use serde_json::json;

/// Adds one delivery.
pub async fn handle(
    webhooks: &(impl WebhookEndpoints + WebhookLog),
    call: Call<NoBody>,
) -> Result<Reply<WebhookDeliveryView>, Failure> {
    let endpoint = services::enabled_endpoint(webhooks, call.path("id")?).await?;
    let payload = webhook::payload(TEST_EVENT, call.now, &json!({ "endpoint_id": endpoint.id }));
    let delivery = webhook::delivery((endpoint.id, DeliveryId(call.ids.next())), TEST_EVENT, payload, call.now);
    webhooks.add_delivery(&delivery).await?;
    Ok(Reply::accepted(WebhookDeliveryView::from(&delivery)))
}
