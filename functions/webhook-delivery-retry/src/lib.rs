//! `POST /api/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/retry`: sends a delivery again, with all its attempts before it.
//!
//! Returns 202 with the delivery, also if it was delivered before. 409 while the endpoint is disabled.

use api::WebhookDeliveryView;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{WebhookEndpoints, WebhookLog};

/// Makes one delivery due.
pub async fn handle(
    webhooks: &(impl WebhookEndpoints + WebhookLog),
    call: Call<NoBody>,
) -> Result<Reply<WebhookDeliveryView>, Failure> {
    let endpoint = services::enabled_endpoint(webhooks, call.path("id")?).await?;
    let delivery = webhooks.retry_delivery(endpoint.id, call.path("delivery_id")?, call.now).await?;
    let delivery = delivery.ok_or_else(|| Failure::not_found("webhook delivery"))?;
    Ok(Reply::accepted(WebhookDeliveryView::from(&delivery)))
}
