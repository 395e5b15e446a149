//! `POST /api/v1/oauth/clients/{id}/secret`: replaces the secret of a service client, by an admin.
//!
//! Returns the client and its new secret, which is shown this once. The secret that was current stays valid for a day, so that the client can
//! be changed without a gap; the one before is valid no more. Tokens that were issued stay valid. A secret that leaked is replaced twice.

use api::ClientSecretView;
use domain::client;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ClientSecrets, ClientStore};

pub async fn handle(
    clients: &impl ClientStore,
    secrets: &impl ClientSecrets,
    call: Call<NoBody>,
) -> Result<Reply<ClientSecretView>, Failure> {
    let id = call.path("id")?;
    let (secret, digest) = secrets.client_secret()?;
    let client = clients.replace_secret(id, &digest, client::previous_valid_until(call.now)?).await?;
    let client = client.ok_or_else(|| Failure::not_found("client"))?;
    Ok(Reply::ok(ClientSecretView::new(&client, secret)))
}
