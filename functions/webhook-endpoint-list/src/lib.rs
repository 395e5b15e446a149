//! `GET /api/v1/webhook-endpoints`: the endpoints of webhooks, newest first.

use api::{ListView, WebhookEndpointView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WebhookEndpoints;

/// Lists one page of endpoints.
pub async fn handle(
    endpoints: &impl WebhookEndpoints,
    call: Call<NoBody>,
) -> Result<Reply<ListView<WebhookEndpointView>>, Failure> {
    let page = call.page()?;
    Ok(Reply::ok(ListView::of(&endpoints.endpoints(page.limit, page.cursor.as_deref()).await?)))
}
