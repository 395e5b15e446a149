//! `POST /api/v1/users/logout`: ends the session of the access token.
//!
//! Returns 204. The refresh token is deleted, and the session's access tokens are revoked. A cookie with the refresh token is removed.

use domain::id::{SessionId, UserId};
use edge::http::{Call, CredentialCookie, NoBody, Reply};
use kernel::Failure;
use ports::{Revocations, SESSION_CLAIM, SessionStore};

/// Ends one session.
pub async fn handle(
    sessions: &impl SessionStore,
    revocations: &impl Revocations,
    cookie: &CredentialCookie,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let (user, session) = (UserId(call.principal()?.id), call.claim::<SessionId>(SESSION_CLAIM)?);
    sessions.end_session(user, session).await?;
    revocations.revoke(&[session]).await;
    Ok(Reply::no_content().cookie(cookie.removed_from(&call)))
}
