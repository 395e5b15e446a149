//! `POST /api/v1/users/{id}/erasure`: erases what is held about a person, for the person, who proves to know the password, and for admins; 404 for
//! everyone else.
//!
//! Returns 202. The account is erased at once, and all sessions end; contexts that hold something about the person follow by event, an order when it
//! is final. Invoices and the ledger are kept, as the law demands. A wrong password is 422, and after repeated failures 429. Admins cannot erase
//! their own account, nor the last active admin's account: 409.

use domain::{
    event::{SEQUENCE_SET_BY_STORE, UserDeleted, UserErased},
    personal_data::EraseAccount,
    profile, user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{AccountPasswords, AccountStore, LoginName, PasswordAttempt, Revocations};

pub async fn handle(
    users: &impl AccountStore,
    own: &impl AccountPasswords,
    revocations: &impl Revocations,
    call: Call<EraseAccount>,
) -> Result<Reply<()>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let mut proven = None;
    if call.principal()?.id == user_id.0 {
        let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
        profile::check_removal(&user, user_id)?;
        let password = call.body.current_password.as_deref().ok_or_else(profile::wrong_current_password)?;
        let account = LoginName::Id(user_id);
        let client_address = call.client_address(async |secret| own.is_from_distribution(secret).await).await?;
        let attempt = PasswordAttempt { account, password, client_address, now: call.now };
        proven = Some(own.prove(attempt).await?.ok_or_else(profile::wrong_current_password)?.password_hash);
    }
    let deleted = call.event(user_id, SEQUENCE_SET_BY_STORE, UserDeleted { user_id });
    let erased = call.event(user_id, SEQUENCE_SET_BY_STORE, UserErased { user_id });
    let ended = users.erase_account(user_id, proven.as_deref(), &deleted, &erased).await?;
    revocations.revoke(&ended.ok_or_else(|| Failure::not_found("user"))?).await;
    Ok(Reply::accepted(()))
}
