//! Mails the token with which a new password can be set, to the verified address of a user who may log in.
//!
//! The token is valid while the user has this address. It exists in the message alone: events and the database do not carry it. Sending is at least
//! once; a message that is sent again has another token, and only the last one counts.

use domain::{
    DomainEvent,
    event::PasswordResetRequested,
    password_reset::{self, PasswordReset},
};
use edge::Delivery;
use kernel::Failure;
use ports::{AccountStore, PasswordResetSender, PasswordStore, VerificationStore, VerificationTokens};

pub async fn handle(
    users: &(impl PasswordStore + AccountStore + VerificationStore),
    tokens: &impl VerificationTokens,
    sender: &impl PasswordResetSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let request: &PasswordResetRequested = delivery.event.event.payload()?;
    let claim = delivery.claim();
    if users.was_token_sent(claim).await? {
        return Ok(());
    }
    if let Some(user_id) = users.find_resettable(&request.email).await?
        && let Some(user) = users.account(user_id).await?.filter(|user| user.email == request.email)
    {
        let (token, digest) = tokens.verification_token()?;
        let (id, email) = (delivery.event.id, user.email.clone());
        let (username, full_name) = (user.username, user.full_name);
        let reset = PasswordReset { id, user_id, digest, email, username, full_name };
        users.store_reset(&reset, token.selector(), password_reset::expires_at(delivery.now)?).await?;
        sender.send_reset(user.email, id, &token).await?;
    }
    users.record_token_sent(claim).await
}
