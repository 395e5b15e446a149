//! Stores the contact of each user and which of its addresses are verified, so that notifications need no other context to send one.
//!
//! A deleted account loses its devices. Its contact stays, for notifications about the orders that it placed, until the
//! account is erased.

use domain::{DomainEvent, event};
use edge::Delivery;
use kernel::Failure;
use ports::{Contact, ContactStore};

/// Stores one contact, or one verified address.
pub async fn handle(contacts: &impl ContactStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (claim, version) = (delivery.claim(), delivery.event.sequence);
    match &delivery.event.event {
        DomainEvent::UserRegistered(user) => {
            let (email, name, phone) = (user.email.clone(), user.full_name.clone(), user.phone.clone());
            contacts.save(claim, &Contact { user_id: user.user_id, email, name, phone }, version).await
        }
        DomainEvent::UserUpdated(user) => {
            let (email, name, phone) = (user.email.clone(), user.full_name.clone(), user.phone.clone());
            contacts.save(claim, &Contact { user_id: user.user_id, email, name, phone }, version).await
        }
        DomainEvent::UserDeleted(user) => contacts.remove_devices(claim, user.user_id).await,
        DomainEvent::UserErased(user) => contacts.erase(claim, user.user_id, version).await,
        DomainEvent::ContactVerified(verified) => contacts.record_verified(claim, verified, version).await,
        other => Err(event::unexpected_event(other)),
    }
}
