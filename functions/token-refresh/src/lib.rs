//! `POST /api/v1/users/token/refresh`: exchanges a refresh token for a new pair of tokens.
//!
//! The token is valid once: the response has the next one. A token that was exchanged before ends its session, since two clients have it, and
//! revokes the session's access tokens. Returns 401 for every token that is not valid, and without one, without telling why.
//!
//! A browser that has the token in a cookie sends no body, and gets the next one in the cookie; such a request needs `X-Requested-With`, and is
//! refused with 403 from pages of other origins. A token in the body is taken before one in a cookie. A cookie that is not valid is removed.

use api::TokenView;
use domain::session::{self, ActiveSession, Refresh};
use edge::http::{Call, CredentialCookie, Reply};
use kernel::Failure;
use ports::{Claims, RefreshToken, Revocations, SessionStore, TokenRotation, Tokens};

pub async fn handle(
    sessions: &impl SessionStore,
    (tokens, cookie): (&impl Tokens, &CredentialCookie),
    revocations: &impl Revocations,
    call: Call<Option<Refresh>>,
) -> Result<Reply<TokenView>, Failure> {
    let in_cookie = call.body.is_none();
    let sent = match &call.body {
        Some(body) => Some(body.refresh_token.as_str()),
        None => cookie.read(&call)?,
    };
    let expiry = session::token_expiry(call.now)?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let next = RefreshToken { digest, issued_at: call.now, expires_at: expiry.refresh };
    let rotation = match sent {
        Some(sent) => sessions.rotate_token(&tokens.digest(sent), &next).await?,
        None => TokenRotation::Unknown,
    };
    if let TokenRotation::Rotated(ActiveSession { id: session_id, user_id, role }) = rotation {
        let claims = Claims { user_id, session_id, role, issued_at: call.now, expires_at: expiry.access };
        let access_token = tokens.issue(&claims).await?;
        let (shown, set_cookie) = cookie.deliver(refresh_token, in_cookie);
        return Ok(Reply::ok(TokenView::new(access_token, shown)).cookie(set_cookie));
    }
    if let TokenRotation::Reused(session) = rotation {
        revocations.revoke(&[session]).await;
    }
    match cookie.removed_from(&call).filter(|_| in_cookie) {
        Some(removed) => Ok(call.refuse(&session::invalid_refresh_token(), &[BEARER]).cookie(Some(removed))),
        None => Err(session::invalid_refresh_token()),
    }
}

/// What every 401 has.
const BEARER: (&str, &str) = ("www-authenticate", "Bearer");
