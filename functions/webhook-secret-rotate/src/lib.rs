//! `POST /api/v1/webhook-endpoints/{id}/secret`: gives an endpoint of webhooks another secret.
//!
//! Returns 200 with the secret, which is shown only once. For a day the one before signs, too: messages have both signatures. `If-Match` names the
//! version to change, so that a repeated request does not end the overlap.

use api::{WebhookEndpointView, WebhookSecretView};
use domain::webhook::{self, Endpoint};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Sealer, WebhookEndpoints};

pub async fn handle(
    endpoints: &impl WebhookEndpoints,
    sealer: &impl Sealer,
    call: Call<NoBody>,
) -> Result<Reply<WebhookSecretView>, Failure> {
    let known = endpoints.endpoint(call.path("id")?).await?;
    let known = known.ok_or_else(|| Failure::not_found("webhook endpoint"))?;
    if !call.if_match()?.matches_any(|tag| WebhookEndpointView::is_tag_of(tag, known.version)) {
        return Err(webhook::version_mismatch());
    }
    let (secret, sealed) = sealer.generate(&Endpoint::associated_data(known.id)).await?;
    let (rotated, until) = webhook::rotate_secret(&known, sealed, call.now)?;
    match endpoints.replace_endpoint(&rotated).await? {
        true => {
            let view = WebhookSecretView::new(services::shown_webhook_secret(&secret), until);
            Ok(Reply::ok(view).etag(WebhookEndpointView::from(&rotated).etag()))
        }
        false => Err(webhook::version_mismatch()),
    }
}
