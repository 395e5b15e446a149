//! Remembers where to write to: notifications own their contacts and ask nobody for them.

use domain::{DomainEvent, event};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, Contact, ContactStore};

/// Remembers one person.
pub async fn handle(contacts: &impl ContactStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::UserRegistered(user) = delivery.event.event else {
        return Err(event::unexpected_event(&delivery.event.event));
    };
    let claim = Claim { consumer: catalog::CONTACT_TRACK.name, event_id: delivery.event.id };
    let contact = Contact { user_id: user.user_id, email: user.email, name: user.full_name, phone: user.phone };
    contacts.save(claim, &contact).await
}
