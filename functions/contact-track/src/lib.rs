//! Stores the contact of a new user, so that notifications need no other context to send one.

use domain::{DomainEvent, event};
use edge::Delivery;
use kernel::Failure;
use ports::{Contact, ContactStore};

/// Stores one contact.
pub async fn handle(contacts: &impl ContactStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let claim = delivery.claim();
    let DomainEvent::UserRegistered(user) = delivery.event.event else {
        return Err(event::unexpected_event(&delivery.event.event));
    };
    let contact = Contact { user_id: user.user_id, email: user.email, name: user.full_name, phone: user.phone };
    contacts.save(claim, &contact).await
}
