//! `POST /api/v1/oauth/clients/{id}/secret`: replaces the secret of a service client, by an admin.
//!
//! Returns the client and its new secret, which is shown only once. The secret that was current stays valid for a day, so that the client can
//! be changed without a gap; the one before is no longer valid. Tokens that were issued stay valid. A secret that leaked is replaced twice, by
//! two requests with keys of their own. With an `Idempotency-Key`, a repeated request gets the first response, which is stored sealed because of
//! the secret; without one, it replaces the secret again.

use api::ClientSecretView;
use domain::client::{self, Client};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ClientSecrets, ClientStore, Sealer};
use services::commit_sealed;

pub async fn handle(
    clients: &impl ClientStore,
    secrets: &impl ClientSecrets,
    sealer: &impl Sealer,
    call: Call<NoBody>,
) -> Result<Reply<ClientSecretView>, Failure> {
    let missing = || Failure::not_found("client");
    let known = clients.client(call.path("id")?).await?.ok_or_else(missing)?;
    let (secret, digest) = secrets.client_secret()?;
    let until = client::previous_valid_until(call.now)?;
    let client = Client { previous_valid_until: Some(until), ..known };
    let reply = Reply::ok(ClientSecretView::new(&client, secret));
    let key = call.idempotency.as_ref();
    let outcome = commit_sealed(sealer, key, reply.to_stored()?, async |stored| {
        let replaced = clients.replace_secret(client.id, &digest, until, key.map(|key| (key, stored))).await?;
        replaced.ok_or_else(missing)
    });
    Ok(reply.or_replay(outcome.await?))
}
