//! `POST /api/v1/users/invite`: creates the account of a colleague, by an admin.
//!
//! Returns 201 with the account, and 409 if the e-mail address or the username is taken. The account has a random password that nobody knows.
//! The colleague gets the token that verifies the address, and then a token for a password by `POST /api/v1/users/password-reset`. With an
//! `Idempotency-Key`, a repeated request gets the first response.

use api::UserView;
use domain::{
    id::UserId,
    profile::{self, Invite},
    user::Password,
};
use edge::http::{Call, Reply};
use kernel::{Failure, FailureKind};
use ports::{Passwords, UserStore, VerificationTokens};

pub async fn handle(
    users: &impl UserStore,
    passwords: &impl Passwords,
    tokens: &impl VerificationTokens,
    call: Call<Invite>,
) -> Result<Reply<UserView>, Failure> {
    let (command, call) = call.into_parts();
    let (user, registered) = profile::invite(UserId(call.ids.next()), command, call.now);
    let event = call.event(user.id, user.version, registered);
    let (unknown, _) = tokens.verification_token()?;
    let hash = passwords.hash(&Password::try_from(unknown.text()).map_err(Failure::internal)?)?;
    let reply = Reply::created(UserView::from(&user)).etag(user.version);
    let Some(key) = &call.idempotency else {
        users.register(&user, &hash, &event).await?;
        return Ok(reply);
    };
    match users.register_once(&user, &hash, &event, key, &reply.to_stored()?).await {
        Ok(outcome) => Ok(reply.or_replay(outcome)),
        Err(rejection) if rejection.kind == FailureKind::Conflict && !rejection.fields.is_empty() => {
            call.reject(rejection, async |problem| users.store_response(key, problem).await).await
        }
        Err(failure) => Err(failure),
    }
}
