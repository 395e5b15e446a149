//! Sends a token to an address that is not verified: the e-mail address at registration, and what a user asks for. A verified address that is
//! replaced is notified.
//!
//! The token exists in the message alone: events and the database do not carry it. Sending is at least once; a message that is sent again has
//! another token, and only the last one counts.

use domain::{
    DomainEvent,
    channel::Channel,
    event::UserUpdated,
    verification::{self, Verification},
};
use edge::Delivery;
use kernel::{Claim, Failure, Uuid};
use ports::{VerificationSender, VerificationStore, VerificationTokens};

pub async fn handle(
    users: &impl VerificationStore,
    tokens: &impl VerificationTokens,
    sender: &impl VerificationSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (claim, id) = (delivery.claim(), delivery.event.id);
    if let DomainEvent::UserUpdated(change) = &delivery.event.event {
        return tell_replaced(users, sender, (claim, id), change).await;
    }
    let (user_id, kind) = verification::requested_by(&delivery.event.event)?;
    if users.was_token_sent(claim).await? {
        return Ok(());
    }
    let contacts = users.contacts(user_id).await?;
    if let Some(address) = contacts.as_ref().and_then(|contacts| contacts.to_verify(kind).ok()) {
        let (token, digest) = tokens.verification_token()?;
        let verification = Verification { id, user_id, kind, address: address.to_owned(), digest, version: 0 };
        users.store_token(&verification, token.selector(), verification::expires_at(delivery.now)?).await?;
        sender.send_token(&verification, &token).await?;
    }
    users.record_token_sent(claim).await
}

/// Tells the addresses that a change has replaced, if there are any. A change without them is recorded, too, as every event that was handled.
/// The e-mail has a claim of its own, so that a failure to send the text message repeats that one alone.
async fn tell_replaced(
    users: &impl VerificationStore,
    sender: &impl VerificationSender,
    (claim, id): (Claim, Uuid),
    change: &UserUpdated,
) -> Result<(), Failure> {
    if users.was_token_sent(claim).await? {
        return Ok(());
    }
    if let Some(email) = &change.replaced_email {
        let told = Claim { consumer: Channel::Email.name(), event_id: id };
        if !users.was_token_sent(told).await? {
            sender.tell_replaced_email(email, id).await?;
            users.record_token_sent(told).await?;
        }
    }
    if let Some(phone) = &change.replaced_phone {
        sender.tell_replaced_phone(phone).await?;
    }
    users.record_token_sent(claim).await
}
