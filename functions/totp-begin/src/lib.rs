//! `POST /api/v1/users/{id}/totp`: makes the secret of a second factor of the caller, who proves to know the password.
//!
//! Returns the secret in base32 and as an `otpauth` URI, which are shown only once. It has no effect before
//! `POST /api/v1/users/{id}/totp/confirm`; until then, another request replaces it. 409 `totp-active` if a second factor is active. A wrong
//! password is 422, and after repeated failures 429, with the delays of logins.

use api::TotpView;
use domain::{
    profile,
    second_factor::{self, BeginTotp},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{AccountPasswords, AccountStore, FactorCodes, FactorStore, LoginName, PasswordAttempt};

pub async fn handle(
    users: &(impl AccountStore + FactorStore),
    passwords: &impl AccountPasswords,
    codes: &impl FactorCodes,
    call: Call<BeginTotp>,
) -> Result<Reply<TotpView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
    let (account, password) = (LoginName::Id(user_id), call.body.current_password.as_str());
    let client_address = call.client_address(async |secret| passwords.is_from_distribution(secret).await).await?;
    let attempt = PasswordAttempt { account, password, client_address, now: call.now };
    let proven = passwords.prove(attempt).await?.ok_or_else(profile::wrong_current_password)?;
    let (secret, sealed) = codes.totp_secret(user_id).await?;
    match users.begin_totp(user_id, &proven.password_hash, &sealed, call.now).await? {
        true => Ok(Reply::ok(TotpView::new(secret, user.email.as_str()))),
        false => Err(second_factor::already_active()),
    }
}
