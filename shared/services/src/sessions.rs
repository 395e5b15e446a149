//! Beginning sessions.

use domain::{id::SessionId, session};
use kernel::{Failure, Timestamp};
use ports::{Claims, Credentials, LoginCounters, RefreshToken, Tokens, UserStore};

/// Begins a session of a user who has proven to be it, and settles the attempt. Returns the access token and the refresh token; `None`, with no
/// session, if the account was changed since the login read it.
pub async fn begin_session(
    users: &impl UserStore,
    tokens: &impl Tokens,
    session_id: SessionId,
    checked: &Credentials,
    counters: &LoginCounters,
    now: Timestamp,
) -> Result<Option<(String, String)>, Failure> {
    let expiry = session::token_expiry(now)?;
    let Credentials { user_id, role, .. } = *checked;
    let claims = Claims { user_id, session_id, role, issued_at: now, expires_at: expiry.access };
    let access_token = tokens.issue(&claims).await?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let token = RefreshToken { digest, issued_at: now, expires_at: expiry.refresh };
    let has_begun = users.begin_session(session_id, checked, counters, &token).await?;
    Ok(has_begun.then_some((access_token, refresh_token)))
}
