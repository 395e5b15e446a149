//! `PUT /api/v1/webhook-endpoints/{id}`: replaces the members of a webhook endpoint that staff edit, enables or disables it.
//!
//! `If-Match` names the version to change; 412 for another one. A delivery that has failed or succeeded since does not count. Pending deliveries
//! to an endpoint that is disabled are given up.

use api::WebhookEndpointView;
use domain::webhook::{self, UpdateEndpoint, WebhookTargets};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::WebhookEndpoints;

pub async fn handle(
    endpoints: &impl WebhookEndpoints,
    targets: &WebhookTargets,
    call: Call<UpdateEndpoint>,
) -> Result<Reply<WebhookEndpointView>, Failure> {
    let known = endpoints.endpoint(call.path("id")?).await?;
    let known = known.ok_or_else(|| Failure::not_found("webhook endpoint"))?;
    if !call.if_match()?.matches_any(|tag| WebhookEndpointView::is_tag_of(tag, known.version)) {
        return Err(webhook::version_mismatch());
    }
    let updated = webhook::update(&known, call.body.clone(), targets, call.now)?;
    if !endpoints.replace_endpoint(&updated).await? {
        return Err(webhook::version_mismatch());
    }
    let view = WebhookEndpointView::from(&updated);
    let tag = view.etag();
    Ok(Reply::ok(view).etag(tag))
}
