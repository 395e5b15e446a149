//! `POST /api/v1/users/login`: exchanges a password for an access token and a refresh token.
//!
//! Returns 401 for an unknown account and for a wrong password alike, and 423 after too many consecutive failed logins.

use api::TokenView;
use domain::session::{self, Login};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Claims, Passwords, Tokens, UserStore};

/// Logs one user in.
pub async fn handle(
    users: &impl UserStore,
    passwords: &impl Passwords,
    tokens: &impl Tokens,
    call: Call<Login>,
) -> Result<Reply<TokenView>, Failure> {
    let login = call.body.name()?;
    let found = users.credentials(&login).await?;
    if let Some(until) = found.as_ref().and_then(|credentials| credentials.locked_until) {
        session::check_lock(until, call.now)?;
    }
    let hash = found.as_ref().map(|credentials| credentials.password_hash.as_str());
    let mut is_valid = false;
    for password in call.body.passwords() {
        is_valid |= passwords.verify(&password, hash)?;
    }
    let Some(credentials) = found else { return Err(session::wrong_credentials()) };
    if !is_valid {
        let locked_until = session::locked_until(call.now)?;
        users.record_failed_login(credentials.user_id, session::MAX_FAILED_LOGINS, call.now, locked_until).await?;
        return Err(session::wrong_credentials());
    }
    let expiry = session::token_expiry(call.now)?;
    let claims =
        Claims { user_id: credentials.user_id, role: credentials.role, issued_at: call.now, expires_at: expiry.access };
    let access_token = tokens.issue(&claims).await?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    users.begin_session(credentials.user_id, &digest, call.now, expiry.refresh).await?;
    Ok(Reply::ok(TokenView {
        access_token,
        token_type: "Bearer",
        expires_in: session::ACCESS_TOKEN_SECONDS,
        refresh_token,
    }))
}
