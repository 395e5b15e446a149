//! `POST /api/v1/users/register`: registers a customer.
//!
//! Returns 201 with the account, 409 if the e-mail address or the username is taken, and 422 naming each invalid field. With an
//! `Idempotency-Key`, a repeated request gets the first response, whichever it was.

use api::UserView;
use domain::{
    id::UserId,
    message_limits::MessageLimits,
    user::{self, Register},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{PasswordStrength, Passwords, UserStore};
use services::NewPasswords;

/// Registers one customer.
pub async fn handle(
    users: &impl UserStore,
    passwords: &NewPasswords<'_, impl Passwords, impl PasswordStrength>,
    limits: &MessageLimits,
    call: Call<Register>,
) -> Result<Reply<UserView>, Failure> {
    let (command, call) = call.into_parts();
    if let Some(phone) = &command.phone {
        limits.countries.check("/phone", phone)?;
    }
    let password = command.password.clone();
    let (user, registered) = user::register(UserId(call.ids.next()), command, call.now);
    let event = call.event(user.id, user.version, registered);
    let hash = passwords.hash(&password, &user.public_facts())?;
    let reply = Reply::created(UserView::from(&user)).etag(user.version);
    let Some(key) = &call.idempotency else {
        users.register(&user, &hash, &event).await?;
        return Ok(reply);
    };
    let registered = users.register_once(&user, &hash, &event, key, &reply.to_stored()?).await;
    let store = async |problem: &_| users.store_rejection(key, problem).await;
    call.conclude(reply, registered, user::is_taken, store).await
}
