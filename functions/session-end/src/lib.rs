//! `DELETE /api/v1/users/{id}/sessions`: ends all sessions of the caller, the one of the request among them.
//!
//! Returns 204. The refresh tokens are deleted, and the access tokens of the sessions are revoked.

use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Revocations, SessionStore};

/// Ends the sessions of one user.
pub async fn handle(
    sessions: &impl SessionStore,
    revocations: &impl Revocations,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let ended = sessions.end_sessions(user_id).await?;
    revocations.revoke(&ended).await;
    Ok(Reply::no_content())
}
