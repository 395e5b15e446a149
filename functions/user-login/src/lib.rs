//! `POST /api/v1/users/login`: exchanges a password for an access token and a refresh token.
//!
//! Returns 401 for an unknown account and for a wrong password alike, and if the account is changed while the password is verified. After
//! repeated failures of one name from one source, or of one source, it returns 429 with `Retry-After`, whether the account exists or not. An account
//! with a second factor gets 401 `mfa-required` with an `mfa_token`, with which `POST /api/v1/users/login/mfa` finishes the login; one that needs
//! a second factor and has none gets 401 `mfa-enrolment-required` with a token that is accepted by the routes that set one up and by no other.
//! With `session=cookie` a browser gets the refresh token in a cookie that no script can read; such a request needs `X-Requested-With`.

use api::TokenView;
use domain::{
    id::SessionId,
    second_factor::{self, MfaPolicy},
    session::{self, Login, SessionKind},
    user::Role,
};
use edge::http::{Call, CredentialCookie, Reply};
use kernel::Failure;
use ports::{AccountPasswords, Claims, Credentials, FactorStore, LoginName, PasswordAttempt, Tokens, UserStore};
use services::begin_session;

/// Logs one user in.
pub async fn handle(
    users: &(impl UserStore + FactorStore),
    (passwords, policy): (&impl AccountPasswords, &MfaPolicy),
    (tokens, cookie): (&impl Tokens, &CredentialCookie),
    call: Call<Login>,
) -> Result<Reply<TokenView>, Failure> {
    let name = call.body.name()?;
    let in_cookie = SessionKind::is_in_cookie(call.parsed("session", SessionKind::one_of)?);
    if in_cookie {
        cookie.check_sender(&call)?;
    }
    tokens.ready().await?;
    let attempt = PasswordAttempt {
        account: LoginName::Typed(&name),
        password: call.body.password(),
        client_address: call.client_address(async |secret| passwords.is_from_distribution(secret).await).await?,
        now: call.now,
    };
    let verified = passwords.verify(attempt).await?;
    let (credentials, counters) = verified.ok_or_else(session::wrong_credentials)?;
    let Credentials { user_id, role, has_second_factor, .. } = credentials;
    let session_id = SessionId(call.ids.next());
    if has_second_factor {
        let (token, digest) = tokens.refresh_token()?;
        let expires_at = second_factor::login_expiry(call.now)?;
        if !users.store_login(&digest, &credentials, call.now, expires_at).await? {
            return Err(session::wrong_credentials());
        }
        users.forget_attempt(&counters).await?;
        return Err(second_factor::mfa_required(token));
    }
    if policy.requires(role) {
        let expires_at = second_factor::enrolment_expiry(call.now)?;
        let claims = Claims { user_id, session_id, role: Role::MfaEnrolment, issued_at: call.now, expires_at };
        let token = tokens.issue(&claims).await?;
        users.forget_attempt(&counters).await?;
        return Err(second_factor::enrolment_required(token));
    }
    let begun = begin_session(users, tokens, session_id, &credentials, &counters, call.now).await?;
    let (access_token, refresh_token) = begun.ok_or_else(session::wrong_credentials)?;
    let (shown, set_cookie) = cookie.deliver(refresh_token, in_cookie);
    Ok(Reply::ok(TokenView::new(access_token, shown)).cookie(set_cookie))
}
