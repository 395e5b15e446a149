//! `POST /api/v1/users/token/refresh`: exchanges a refresh token for a new pair of tokens.
//!
//! The token is valid once: the response has the next one. A token that was exchanged before ends its session, since two clients have it, and
//! revokes the session's access tokens. Returns 401 for every token that is not valid, without telling why.

use api::TokenView;
use domain::session::{self, ActiveSession, Refresh};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Claims, RefreshToken, Revocations, SessionStore, TokenRotation, Tokens};

/// Refreshes one session.
pub async fn handle(
    sessions: &impl SessionStore,
    tokens: &impl Tokens,
    revocations: &impl Revocations,
    call: Call<Refresh>,
) -> Result<Reply<TokenView>, Failure> {
    let expiry = session::token_expiry(call.now)?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let next = RefreshToken { digest, issued_at: call.now, expires_at: expiry.refresh };
    match sessions.rotate_token(&tokens.digest(&call.body.refresh_token), &next).await? {
        TokenRotation::Rotated(ActiveSession { id: session_id, user_id, role }) => {
            let claims = Claims { user_id, session_id, role, issued_at: call.now, expires_at: expiry.access };
            let access_token = tokens.issue(&claims).await?;
            Ok(Reply::ok(TokenView::new(access_token, refresh_token)))
        }
        TokenRotation::Reused(session) => {
            revocations.revoke(&[session]).await;
            Err(session::invalid_refresh_token())
        }
        TokenRotation::Unknown => Err(session::invalid_refresh_token()),
    }
}
