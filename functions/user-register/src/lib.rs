//! `POST /api/v1/users/register`: registers a customer.
//!
//! 201 with the account; 409 when e-mail or username are taken; 422 names the field at fault.

use api::UserView;
use domain::{
    event,
    id::UserId,
    user::{self, Register},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Passwords, UserStore};

/// Registers a customer.
pub async fn handle(
    users: &impl UserStore,
    passwords: &impl Passwords,
    call: Call<Register>,
) -> Result<Reply<UserView>, Failure> {
    let (command, call) = call.into_parts();
    let password = command.password.clone();
    let (user, registered) = user::register(UserId(call.ids.next()), command, call.now)?;
    let event = event::wrap(call.ids.next(), user.id, user.version, call.now, &call.trace, registered);
    users.register(&user, &passwords.hash(&password)?, &event).await?;
    Ok(Reply::created(UserView::from(&user)).etag(user.version))
}
