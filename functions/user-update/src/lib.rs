//! `PUT /api/v1/users/{id}`: replaces the profile of an account, for its user and for admins; 404 for everyone else.
//!
//! `If-Match` names the version to change; 412 for another one. A taken e-mail address or username is 409. A changed address is to be verified
//! again, and the one before is notified if it was verified. A changed e-mail address needs the password of the user, with the delays of logins,
//! since a new password can be requested there; not so from an admin.

use api::UserView;
use domain::{
    profile::{self, UpdateProfile},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{AccountPasswords, AccountStore, LoginName, PasswordAttempt};

pub async fn handle(
    users: &impl AccountStore,
    passwords: &impl AccountPasswords,
    call: Call<UpdateProfile>,
) -> Result<Reply<UserView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
    if !call.if_match()?.matches(user.version) {
        return Err(profile::version_mismatch());
    }
    let mut proven = None;
    if call.body.email != user.email && call.principal()?.id == user_id.0 {
        let password = call.body.current_password.as_deref().ok_or_else(profile::wrong_current_password)?;
        let client_address = call.client_address(async |secret| passwords.is_from_distribution(secret).await).await?;
        let attempt = PasswordAttempt { account: LoginName::Id(user_id), password, client_address, now: call.now };
        proven = Some(passwords.prove(attempt).await?.ok_or_else(profile::wrong_current_password)?.password_hash);
    }
    let (command, call) = call.into_parts();
    let (updated, event) = profile::update(&user, command);
    let event = call.event(user_id, updated.version, event);
    match users.update_account(&updated, proven.as_deref(), &event).await? {
        true => Ok(Reply::ok(UserView::from(&updated)).etag(updated.version)),
        false => Err(profile::version_mismatch()),
    }
}
