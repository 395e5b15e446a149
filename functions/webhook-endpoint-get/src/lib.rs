//! `GET /api/v1/webhook-endpoints/{id}`: an endpoint of webhooks, without its secret.

use api::WebhookEndpointView;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WebhookEndpoints;

pub async fn handle(
    endpoints: &impl WebhookEndpoints,
    call: Call<NoBody>,
) -> Result<Reply<WebhookEndpointView>, Failure> {
    let found = endpoints.endpoint(call.path("id")?).await?;
    let endpoint = found.ok_or_else(|| Failure::not_found("webhook endpoint"))?;
    let view = WebhookEndpointView::from(&endpoint);
    let tag = view.etag();
    Ok(Reply::ok(view).etag(tag))
}
