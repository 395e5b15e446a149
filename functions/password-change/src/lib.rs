//! `POST /api/v1/users/{id}/password`: changes the password of the caller, who proves to know the old one.
//!
//! Returns 204. All other sessions end. A wrong old password is 422, and after repeated failures 429, with the delays of logins.

use domain::{id::SessionId, password_reset::ChangePassword, profile, user};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{
    AccountPasswords, AccountStore, LoginName, NewPasswordHasher, PasswordAttempt, PasswordStore, Revocations,
    SESSION_CLAIM,
};

pub async fn handle(
    users: &(impl AccountStore + PasswordStore),
    (old, new): (&impl AccountPasswords, &impl NewPasswordHasher),
    revocations: &impl Revocations,
    call: Call<ChangePassword>,
) -> Result<Reply<()>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let session: SessionId = call.token_claim(SESSION_CLAIM)?;
    let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
    let (account, password) = (LoginName::Id(user_id), call.body.current_password.as_str());
    let client_address = call.client_address(async |secret| old.is_from_distribution(secret).await).await?;
    let attempt = PasswordAttempt { account, password, client_address, now: call.now };
    let proven = old.prove(attempt).await?.ok_or_else(profile::wrong_current_password)?;
    let hash = new.hash_new(&call.body.password, &user.account_words())?;
    let ended = users.change_password(user_id, &proven.password_hash, &hash, session).await?;
    revocations.revoke(&ended.ok_or_else(profile::wrong_current_password)?).await;
    Ok(Reply::no_content())
}
