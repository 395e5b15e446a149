//! Stores the contact of a new user, so that notifications need no other context to send one.

use domain::{DomainEvent, event::UserRegistered};
use edge::Delivery;
use kernel::Failure;
use ports::{Contact, ContactStore};

/// Stores one contact.
pub async fn handle(contacts: &impl ContactStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let user: &UserRegistered = delivery.event.event.payload()?;
    let (email, name, phone) = (user.email.clone(), user.full_name.clone(), user.phone.clone());
    contacts.save(delivery.claim(), &Contact { user_id: user.user_id, email, name, phone }).await
}
