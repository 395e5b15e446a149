//! `DELETE /api/v1/users/{id}`: deletes an account, for its user and for admins; 404 for everyone else.
//!
//! Returns 204. The user cannot log in any more, and all sessions end. The row stays, so that orders and invoices still name their customer, and
//! with it the username; the e-mail address can be registered again. Admins cannot delete their own account, nor the last active admin's
//! account: 409. With `If-Match`, only that version is deleted (otherwise 412).

use domain::{id::UserId, profile, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{AccountStore, Revocations};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(
    users: &impl AccountStore,
    revocations: &impl Revocations,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let (by, wanted) = (UserId(call.principal()?.id), call.optional_if_match()?);
    let ended = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "user", async || {
        let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
        profile::check_removal(&user, by)?;
        if wanted.as_ref().is_some_and(|wanted| !wanted.matches(user.version)) {
            return Err(profile::version_mismatch());
        }
        let event = call.event(user_id, user.version + 1, profile::deleted_event(&user));
        users.delete_account(user_id, user.version, &event).await
    });
    revocations.revoke(&ended.await?).await;
    Ok(Reply::no_content())
}
