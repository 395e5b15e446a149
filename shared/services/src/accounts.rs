//! Changes of accounts by admins.

use crate::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use domain::{
    id::UserId,
    profile::{self, ProfileChange},
    user::User,
};
use kernel::{EventContext, Failure};
use ports::{AccountStore, Revocations};

/// Changes the role or the status of a user, as the admin `by`, and ends the user's sessions: their tokens carry the old role. A request
/// that changes nothing ends no session.
pub async fn administer(
    users: &impl AccountStore,
    revocations: &impl Revocations,
    (user_id, by): (UserId, UserId),
    change: ProfileChange,
    context: EventContext<'_>,
) -> Result<User, Failure> {
    let changed = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "user", async || {
        let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
        let Some((changed, event)) = profile::administer(&user, change, by)? else { return Ok(Some((user, vec![]))) };
        let event = context.event(user_id, changed.version, event);
        Ok(users.administer_account(&changed, &event).await?.map(|ended| (changed, ended)))
    });
    let (user, ended) = changed.await?;
    revocations.revoke(&ended).await;
    Ok(user)
}
