//! `POST /api/v1/oauth/clients`: creates a service client, by an admin.
//!
//! Returns 201 with the client and its secret, which is stored as a digest and shown only once. The client gets access tokens with it at
//! `POST /api/v1/oauth/token`. With an `Idempotency-Key`, a repeated request gets the first response, which is stored sealed because of the
//! secret.

use api::ClientSecretView;
use domain::{
    client::{Client, CreateClient},
    id::{ClientId, UserId},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ClientSecrets, ClientStore, Sealer};
use services::commit_sealed;

pub async fn handle(
    clients: &impl ClientStore,
    secrets: &impl ClientSecrets,
    sealer: &impl Sealer,
    call: Call<CreateClient>,
) -> Result<Reply<ClientSecretView>, Failure> {
    let (id, created_by) = (ClientId(call.ids.next()), UserId(call.principal()?.id));
    let name = call.body.name.clone();
    let client = Client { id, name, created_by, created_at: call.now, previous_valid_until: None };
    let (secret, digest) = secrets.client_secret()?;
    let reply = Reply::created(ClientSecretView::new(&client, secret));
    let key = call.idempotency.as_ref();
    let outcome = commit_sealed(sealer, key, reply.to_stored()?, async |stored| {
        clients.create_client(&client, &digest, key.map(|key| (key, stored))).await
    });
    Ok(reply.or_replay(outcome.await?))
}
