//! Sends a token to an address that is not verified: the e-mail address at registration, and what a customer asks for.
//!
//! The token exists in the message alone: events and the database do not carry it. Sending is at least once; a message that is sent again has
//! another token, and only the last one counts.

use domain::{
    DomainEvent,
    verification::{self, Verification},
};
use edge::Delivery;
use kernel::Failure;
use ports::{VerificationSender, VerificationStore, VerificationTokens};

pub async fn handle(
    users: &impl VerificationStore,
    tokens: &impl VerificationTokens,
    sender: &impl VerificationSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (user_id, kind) = verification::requested_by(&delivery.event.event)?;
    let claim = delivery.claim();
    if users.was_token_sent(claim).await? {
        return Ok(());
    }
    let contacts = users.contacts(user_id).await?;
    if let Some(address) = contacts.as_ref().and_then(|contacts| contacts.to_verify(kind).ok()) {
        let (token, digest) = tokens.verification_token()?;
        let (id, address) = (delivery.event.id, address.to_owned());
        let verification = Verification { id, user_id, kind, address, digest, version: 0 };
        users.store_token(&verification, token.selector(), verification::expires_at(delivery.now)?).await?;
        sender.send_token(&verification, &token).await?;
    }
    users.record_token_sent(claim).await
}
