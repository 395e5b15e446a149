//! `GET /api/v1/webhook-endpoints/{id}/deliveries`: the deliveries to an endpoint of webhooks, newest first.

use api::{ListView, WebhookDeliveryView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WebhookLog;

/// Lists one page of deliveries.
pub async fn handle(
    webhooks: &impl WebhookLog,
    call: Call<NoBody>,
) -> Result<Reply<ListView<WebhookDeliveryView>>, Failure> {
    let page = call.page()?;
    let found = webhooks.webhook_deliveries(call.path("id")?, page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView::of(&found.ok_or_else(|| Failure::not_found("webhook endpoint"))?)))
}
