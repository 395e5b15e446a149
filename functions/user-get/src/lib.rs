//! `GET /api/v1/users/{id}`: an account, for its user and for admins; 404 for everyone else.

use api::UserView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::AccountStore;

pub async fn handle(users: &impl AccountStore, call: Call<NoBody>) -> Result<Reply<UserView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let user = users.account(user_id).await?.ok_or_else(|| Failure::not_found("user"))?;
    Ok(Reply::ok(UserView::from(&user)).etag(user.version))
}
