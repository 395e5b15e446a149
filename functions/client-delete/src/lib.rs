//! `DELETE /api/v1/oauth/clients/{id}`: deletes a service client, by an admin.
//!
//! Returns 204. The client can no longer get tokens, and those that it has are revoked.

use domain::id::{ClientId, SessionId};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ClientStore, Revocations};

pub async fn handle(
    clients: &impl ClientStore,
    revocations: &impl Revocations,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let id: ClientId = call.path("id")?;
    if !clients.delete_client(id).await? {
        return Err(Failure::not_found("client"));
    }
    // All tokens of a client are of one session, which has its id.
    revocations.revoke(&[SessionId(id.0)]).await;
    Ok(Reply::no_content())
}
