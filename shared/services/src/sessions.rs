//! Beginning sessions.

use domain::{
    id::{SessionId, UserId},
    session,
    user::Role,
};
use kernel::{Failure, Timestamp};
use ports::{Claims, LoginCounters, RefreshToken, Tokens, UserStore};

/// Begins a session of a user who has proven to be it, and settles the attempt. Returns the access token and the refresh token.
pub async fn begin_session(
    users: &impl UserStore,
    tokens: &impl Tokens,
    session_id: SessionId,
    (user_id, role): (UserId, Role),
    counters: &LoginCounters,
    now: Timestamp,
) -> Result<(String, String), Failure> {
    let expiry = session::token_expiry(now)?;
    let claims = Claims { user_id, session_id, role, issued_at: now, expires_at: expiry.access };
    let access_token = tokens.issue(&claims).await?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let token = RefreshToken { digest, issued_at: now, expires_at: expiry.refresh };
    users.begin_session(session_id, user_id, counters, &token).await?;
    Ok((access_token, refresh_token))
}
