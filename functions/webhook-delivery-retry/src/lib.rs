//! `POST /api/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/retry`: sends a delivery again, with all its attempts before it.
//!
//! Returns 202 with the delivery, which has been attempted then, also if it was delivered before. 409 while the endpoint is disabled.

use api::WebhookDeliveryView;
use edge::{
    http::{Call, NoBody, Reply},
    telemetry,
};
use kernel::Failure;
use ports::{Sealer, WebhookEndpoints, WebhookLog, WebhookQueue, WebhookSender};
use services::{WebhookAttempts, enabled_endpoint};

/// Makes one delivery due and attempts it.
pub async fn handle(
    webhooks: &(impl WebhookEndpoints + WebhookLog + WebhookQueue),
    sealer: &impl Sealer,
    sender: &impl WebhookSender,
    call: Call<NoBody>,
) -> Result<Reply<WebhookDeliveryView>, Failure> {
    let endpoint = enabled_endpoint(webhooks, call.path("id")?).await?;
    let delivery = webhooks.retry_delivery(endpoint.id, call.path("delivery_id")?, call.now).await?;
    let delivery = delivery.ok_or_else(|| Failure::not_found("webhook delivery"))?;
    let attempts = WebhookAttempts { webhooks, sealer, sender, context: &call.context() };
    if let Err(failure) = attempts.make_now(endpoint.id, delivery.id).await {
        telemetry::log_item_failure("attempt of a webhook delivery", delivery.id, &failure);
    }
    Ok(Reply::accepted(WebhookDeliveryView::from(&delivery)))
}
