//! `POST /api/v1/users/login`: exchanges a password for an access token and a refresh token.
//!
//! Returns 401 for an unknown account and for a wrong password alike. After repeated failures of one name from one source, or of one source,
//! it returns 429 with `Retry-After`, whether the account exists or not.

use api::TokenView;
use domain::{
    id::SessionId,
    session::{self, Login},
    throttle,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Claims, Credentials, LoginAttempt, LoginCounters, Passwords, RefreshToken, Tokens, UserStore};

/// Logs one user in.
pub async fn handle(
    users: &impl UserStore,
    passwords: &impl Passwords,
    tokens: &impl Tokens,
    call: Call<Login>,
) -> Result<Reply<TokenView>, Failure> {
    let name = call.body.name()?;
    let counters = counters(tokens, &name, &throttle::source(call.source_ip())).await?;
    let found = match users.reserve_login(&name, &counters, call.now).await? {
        LoginAttempt::Granted(found) => found,
        LoginAttempt::Refused(until) => return Err(throttle::too_many_logins(until, call.now)),
    };
    // An unknown name is verified as well, against a dummy: it takes the same time.
    let hash = found.as_ref().map(|credentials| credentials.password_hash.as_str());
    let mut is_valid = false;
    for password in call.body.passwords() {
        is_valid |= passwords.verify(&password, hash)?;
    }
    let Some(credentials) = found else { return Err(session::wrong_credentials()) };
    if !is_valid {
        return Err(session::wrong_credentials());
    }
    let expiry = session::token_expiry(call.now)?;
    let Credentials { user_id, role, .. } = credentials;
    let session_id = SessionId(call.ids.next());
    let claims = Claims { user_id, session_id, role, issued_at: call.now, expires_at: expiry.access };
    let access_token = tokens.issue(&claims).await?;
    let (refresh_token, digest) = tokens.refresh_token()?;
    let token = RefreshToken { digest, issued_at: call.now, expires_at: expiry.refresh };
    users.begin_session(session_id, user_id, &counters, &token).await?;
    Ok(Reply::ok(TokenView::new(access_token, refresh_token)))
}

/// The counters of an attempt. The length of the source separates it from the name.
async fn counters(tokens: &impl Tokens, name: &str, source: &str) -> Result<LoginCounters, Failure> {
    let name_and_source = tokens.keyed_hash(&format!("login {} {source} {name}", source.len())).await?;
    Ok(LoginCounters { name_and_source, source: tokens.keyed_hash(&format!("source {source}")).await? })
}
