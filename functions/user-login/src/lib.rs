//! `POST /api/v1/users/login`: exchanges a password for an access token and a refresh token.
//!
//! Returns 401 for an unknown account and for a wrong password alike. After repeated failures of one name from one source, or of one source,
//! it returns 429 with `Retry-After`, whether the account exists or not.

use api::TokenView;
use domain::{
    id::SessionId,
    session::{self, Login},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{AccountPasswords, Claims, Credentials, LoginName, PasswordAttempt, RefreshToken, Tokens, UserStore};

/// Logs one user in.
pub async fn handle(
    users: &impl UserStore,
    passwords: &impl AccountPasswords,
    tokens: &impl Tokens,
    call: Call<Login>,
) -> Result<Reply<TokenView>, Failure> {
    let name = call.body.name()?;
    let attempt = PasswordAttempt {
        account: LoginName::Typed(&name),
        password: call.body.password(),
        client_address: call.client_address(async |secret| passwords.is_from_distribution(secret).await).await?,
        now: call.now,
    };
    let verified = passwords.verify(attempt).await?;
    let (Credentials { user_id, role, .. }, counters) = verified.ok_or_else(session::wrong_credentials)?;
    let expiry = session::token_expiry(call.now)?;
    let session_id = SessionId(call.ids.next());
    let claims = Claims { user_id, session_id, role, issued_at: call.now, expires_at: expiry.access };
    let access_token = tokens.issue(&claims).await?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let token = RefreshToken { digest, issued_at: call.now, expires_at: expiry.refresh };
    users.begin_session(session_id, user_id, &counters, &token).await?;
    Ok(Reply::ok(TokenView::new(access_token, refresh_token)))
}
