//! `PATCH /api/v1/users/{id}/status`: disables or enables an account, by an admin.
//!
//! Returns the account. The user's sessions end, because their tokens carry the old role or would go on. Admins cannot change themselves,
//! nor the last active admin: 409.

use api::UserView;
use domain::{
    id::UserId,
    profile::{ChangeStatus, ProfileChange},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{AccountStore, Revocations};
use services::administer;

/// Changes the status of one account.
pub async fn handle(
    users: &impl AccountStore,
    revocations: &impl Revocations,
    call: Call<ChangeStatus>,
) -> Result<Reply<UserView>, Failure> {
    let (user_id, by) = (call.path("id")?, UserId(call.principal()?.id));
    let user =
        administer(users, revocations, (user_id, by), ProfileChange::Status(call.body.status), call.context()).await?;
    Ok(Reply::ok(UserView::from(&user)).etag(user.version))
}
