//! Stores the contact of a new user and which of its addresses are verified, so that notifications need no other context to send one.

use domain::{DomainEvent, event};
use edge::Delivery;
use kernel::Failure;
use ports::{Contact, ContactStore};

/// Stores one contact, or one verified address.
pub async fn handle(contacts: &impl ContactStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    match &delivery.event.event {
        DomainEvent::UserRegistered(user) => {
            let (email, name, phone) = (user.email.clone(), user.full_name.clone(), user.phone.clone());
            contacts.save(delivery.claim(), &Contact { user_id: user.user_id, email, name, phone }).await
        }
        DomainEvent::ContactVerified(verified) => {
            contacts.record_verified(delivery.claim(), verified, delivery.event.sequence).await
        }
        other => Err(event::unexpected_event(other)),
    }
}
