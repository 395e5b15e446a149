//! `POST /api/v1/users/logout`: ends the session of the access token or, without one, of the refresh token in the cookie.
//!
//! Returns 204. The refresh token is deleted, the session's access tokens are revoked, and a cookie is removed. An invalid
//! cookie also returns 204, because it has no session to end (RFC 7009, section 2.2). A request with the cookie alone needs `X-Requested-With`,
//! and is refused with 403 from pages of other origins.

use domain::id::{SessionId, UserId};
use edge::http::{Call, CredentialCookie, NoBody, Reply};
use kernel::Failure;
use ports::{RefreshTokens, Revocations, SESSION_CLAIM, SessionStore};

pub async fn handle(
    sessions: &impl SessionStore,
    (tokens, cookie): (&impl RefreshTokens, &CredentialCookie),
    revocations: &impl Revocations,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let removed = cookie.removed_from(&call);
    let ended = if call.principal.is_none() && removed.is_some() {
        match cookie.read(&call)? {
            Some(token) => sessions.end_session_of_token(&tokens.digest(token), call.now).await?,
            None => None,
        }
    } else {
        let (user, session) = (UserId(call.principal()?.id), call.token_claim::<SessionId>(SESSION_CLAIM)?);
        sessions.end_session(user, session).await?;
        Some(session)
    };
    revocations.revoke(ended.as_slice()).await;
    Ok(Reply::no_content().cookie(removed))
}
