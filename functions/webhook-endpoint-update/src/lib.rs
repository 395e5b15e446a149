//! `PUT /api/v1/webhook-endpoints/{id}`: replaces the members of a webhook endpoint that staff edit, enables or disables it.
//!
//! `If-Match` names the version to change; 412 for another one. Pending deliveries to an endpoint that is disabled are given up.

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
    if !call.if_match()?.matches(known.version) {
        return Err(webhook::version_mismatch());
    }
    let updated = webhook::update(&known, call.body.clone(), targets, call.now)?;
    match endpoints.replace_endpoint(&updated).await? {
        true => Ok(Reply::ok(WebhookEndpointView::from(&updated)).etag(updated.version)),
        false => Err(webhook::version_mismatch()),
    }
}
