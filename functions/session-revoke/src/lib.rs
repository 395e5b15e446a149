//! `DELETE /api/v1/users/{id}/sessions/{session_id}`: ends one session of the caller, which may be the one of the request.
//!
//! Returns 204. The refresh token is deleted, and the access tokens of the session are revoked.

use domain::{id::SessionId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Revocations, SessionStore};

/// Ends one session. Another user's session, and one that has ended, is `NotFound`.
pub async fn handle(
    sessions: &impl SessionStore,
    revocations: &impl Revocations,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let session: SessionId = call.path("session_id")?;
    if !sessions.end_session(user_id, session).await? {
        return Err(Failure::not_found("session"));
    }
    revocations.revoke(&[session]).await;
    Ok(Reply::no_content())
}
