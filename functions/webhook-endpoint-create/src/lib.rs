//! `POST /api/v1/webhook-endpoints`: registers an endpoint that events are sent to.
//!
//! Returns 201 with its secret, which is shown this once. With an `Idempotency-Key`, a repeated request gets the first response, which is
//! stored sealed because of the secret.

use api::NewWebhookEndpointView;
use domain::{
    id::{EndpointId, UserId},
    webhook::{self, CreateEndpoint, Endpoint, WebhookTargets},
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome, StoredReply};
use ports::{Sealer, WebhookEndpoints};

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
    let stored = reply.to_stored()?;
    let Some(key) = &call.idempotency else {
        endpoints.create_endpoint(&endpoint, None, &stored).await?;
        return Ok(reply);
    };
    let about = format!("response/{}/{}", key.scope, key.key);
    let stored = StoredReply { body: sealer.seal(&about, stored.body.as_bytes()).await?, ..stored };
    match endpoints.create_endpoint(&endpoint, Some(key), &stored).await? {
        IdempotencyOutcome::Committed => Ok(reply),
        IdempotencyOutcome::Replayed(first) => {
            let body = sealer.open(&about, &first.body).await?;
            Ok(Reply::replay(StoredReply { body: String::from_utf8(body).map_err(Failure::internal)?, ..first }))
        }
    }
}
