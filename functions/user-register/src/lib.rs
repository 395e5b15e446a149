//! `POST /api/v1/users/register`: registers a customer.
//!
//! Returns 201 with the account, 409 if the e-mail address or the username is taken, and 422 naming each invalid field. One
//! source may register so many accounts in an hour; beyond that it is 429 with `Retry-After`. With an `Idempotency-Key`, a repeated request
//! gets the first response, whichever it was.

use api::UserView;
use domain::{
    id::UserId,
    login_throttle,
    message_limits::{Budget, MessageLimits},
    user::{self, Register},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{NewPasswordHasher, RequestSources, UserStore};

pub async fn handle(
    users: &impl UserStore,
    (passwords, sources): (&impl NewPasswordHasher, &impl RequestSources),
    (limits, budget): (&MessageLimits, Budget),
    call: Call<Register>,
) -> Result<Reply<UserView>, Failure> {
    let (command, call) = call.into_parts();
    if let Some(phone) = &command.phone {
        limits.countries.check("/phone", phone)?;
    }
    let password = command.password.clone();
    let (user, registered) = user::register(UserId(call.ids.next()), command, call.now);
    // Before the password is hashed, which costs more than all the rest; an address that is taken counts, since it tells who has an account.
    let address = call.client_address(async |secret| sources.is_from_distribution(secret).await).await?;
    let source = sources.keyed_hash(&format!("registration {}", login_throttle::source(address))).await?;
    users.count_registration(&source, budget, call.now).await?;
    let event = call.event(user.id, user.version, registered);
    let hash = passwords.hash_new(&password, &user.account_words())?;
    let reply = Reply::created(UserView::from(&user)).etag(user.version);
    let Some(key) = &call.idempotency else {
        users.register(&user, &hash, &event).await?;
        return Ok(reply);
    };
    let registered = users.register_once(&user, &hash, &event, key, &reply.to_stored()?).await;
    let store = async |problem: &_| users.store_response(key, problem).await;
    call.respond_idempotently(reply, registered, user::is_taken, store).await
}
