//! `POST /api/v1/users/token/refresh`: exchanges a refresh token for a new pair of tokens.
//!
//! The token is valid once: the response has the next one. A token that was exchanged before ends its session, since two clients have it, and
//! revokes the session's access tokens. So does a token of an account that lacks the second factor which its role needs: it had none when the
//! policy came, or it was removed, and the next login sets one up. Returns 401 for every token that is not valid, and without one, without telling
//! why.
//!
//! A browser that has the token in a cookie sends no body, and gets the next one in the cookie; such a request needs `X-Requested-With`, and is
//! refused with 403 from pages of other origins. A token in the body is taken before one in a cookie. A cookie that is not valid is removed.

use api::TokenView;
use domain::{
    second_factor::MfaPolicy,
    session::{self, Refresh},
};
use edge::http::{Call, CredentialCookie, Reply};
use kernel::Failure;
use ports::{Claims, RefreshToken, Revocations, SessionStore, TokenRotation, Tokens};

pub async fn handle(
    sessions: &impl SessionStore,
    (tokens, cookie): (&impl Tokens, &CredentialCookie),
    (revocations, policy): (&impl Revocations, &MfaPolicy),
    call: Call<Option<Refresh>>,
) -> Result<Reply<TokenView>, Failure> {
    let in_cookie = call.body.is_none();
    let sent = match &call.body {
        Some(body) => Some(body.refresh_token.as_str()),
        None => cookie.read(&call)?,
    };
    tokens.ready().await?;
    let expiry = session::token_expiry(call.now)?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let next = RefreshToken { digest, issued_at: call.now, expires_at: expiry.refresh };
    let rotation = match sent {
        Some(sent) => sessions.rotate_token(&tokens.digest(sent), &next).await?,
        None => TokenRotation::Unknown,
    };
    match rotation {
        TokenRotation::Rotated(session) if session.has_second_factor || !policy.requires(session.role) => {
            let (user_id, session_id, role) = (session.user_id, session.id, session.role);
            let claims = Claims { user_id, session_id, role, issued_at: call.now, expires_at: expiry.access };
            let access_token = tokens.issue(&claims).await?;
            let (shown, set_cookie) = cookie.deliver(refresh_token, in_cookie);
            return Ok(Reply::ok(TokenView::new(access_token, shown)).cookie(set_cookie));
        }
        TokenRotation::Rotated(session) => {
            sessions.end_session(session.user_id, session.id).await?;
            revocations.revoke(&[session.id]).await;
        }
        TokenRotation::Reused(session) => {
            revocations.revoke(&[session]).await;
        }
        TokenRotation::Unknown => {}
    }
    match cookie.removed_from(&call).filter(|_| in_cookie) {
        Some(removed) => Ok(call.refuse(&session::invalid_refresh_token(), &[BEARER]).cookie(Some(removed))),
        None => Err(session::invalid_refresh_token()),
    }
}

/// What every 401 has.
const BEARER: (&str, &str) = ("www-authenticate", "Bearer");
