//! `POST /api/v1/webhook-endpoints`: registers an endpoint that events are sent to.
//!
//! Returns 201 with its secret, which is shown only once. With an `Idempotency-Key`, a repeated request gets the first response, which is
//! stored sealed because of the secret.

use api::NewWebhookEndpointView;
use domain::{
    id::{EndpointId, UserId},
    webhook::{self, CreateEndpoint, Endpoint, WebhookTargets},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Sealer, WebhookEndpoints};
use services::commit_sealed;

pub async fn handle(
    endpoints: &impl WebhookEndpoints,
    sealer: &impl Sealer,
    targets: &WebhookTargets,
    call: Call<CreateEndpoint>,
) -> Result<Reply<NewWebhookEndpointView>, Failure> {
    let (command, call) = call.into_parts();
    let (id, creator) = (EndpointId(call.ids.next()), UserId(call.principal()?.id));
    let (secret, sealed) = sealer.generate(&Endpoint::associated_data(id)).await?;
    let endpoint = webhook::create(id, command, targets, (creator, sealed), call.now)?;
    let view = NewWebhookEndpointView::new(&endpoint, services::shown_webhook_secret(&secret));
    let reply = Reply::created(view).resource(catalog::WEBHOOK_ENDPOINT_GET.path_of(id), endpoint.version);
    let key = call.idempotency.as_ref();
    let outcome = commit_sealed(sealer, key, reply.to_stored()?, async |stored| {
        endpoints.create_endpoint(&endpoint, key, stored).await
    });
    Ok(reply.or_replay(outcome.await?))
}
