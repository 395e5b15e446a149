//! `POST /api/v1/oauth/clients`: creates a service client, by an admin.
//!
//! Returns 201 with the client and its secret, which is stored as a digest and shown this once: hence an `Idempotency-Key` has no effect. The
//! client gets access tokens with it at `POST /api/v1/oauth/token`.

use api::ClientSecretView;
use domain::{
    client::{Client, CreateClient},
    id::{ClientId, UserId},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{ClientSecrets, ClientStore};

pub async fn handle(
    clients: &impl ClientStore,
    secrets: &impl ClientSecrets,
    call: Call<CreateClient>,
) -> Result<Reply<ClientSecretView>, Failure> {
    let (id, created_by) = (ClientId(call.ids.next()), UserId(call.principal()?.id));
    let name = call.body.name.clone();
    let client = Client { id, name, created_by, created_at: call.now, previous_valid_until: None };
    let (secret, digest) = secrets.client_secret()?;
    clients.create_client(&client, &digest).await?;
    Ok(Reply::created(ClientSecretView::new(&client, secret)))
}
