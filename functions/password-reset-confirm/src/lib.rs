//! `POST /api/v1/users/password-reset/confirm`: sets a new password with the token that was mailed.
//!
//! Returns 204. All sessions of the user end. A token that is wrong, used, expired or was tried too often is 422, without telling which.

use domain::{password_reset::ConfirmReset, verification};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{NewPasswordHasher, PasswordStore, Revocations, VerificationTokens};

pub async fn handle(
    users: &impl PasswordStore,
    (passwords, tokens): (&impl NewPasswordHasher, &impl VerificationTokens),
    revocations: &impl Revocations,
    call: Call<ConfirmReset>,
) -> Result<Reply<()>, Failure> {
    let token = call.body.token()?;
    let tried = users.try_reset(token.selector(), call.now).await?;
    let found = tried.iter().find(|one| tokens.is_digest_of(&one.digest, &token));
    let found = found.ok_or_else(verification::invalid_token)?;
    let hash = passwords.hash_new(&call.body.password, &found.account_words())?;
    let ended = users.reset_password(found, &hash).await?.ok_or_else(verification::invalid_token)?;
    revocations.revoke(&ended).await;
    Ok(Reply::no_content())
}
