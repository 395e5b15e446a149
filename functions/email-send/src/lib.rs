//! Sends an e-mail to the customer when an order is confirmed, waits for something, is cancelled, shipped or delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, EmailSender, MessageTemplates};
use services::{EmailChannel, Notifier};

/// Sends one e-mail.
pub async fn handle(
    contacts: &impl ContactStore,
    templates: &impl MessageTemplates,
    sender: &impl EmailSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let notifier = Notifier { contacts, templates, channel: EmailChannel(sender) };
    notifier.send_once(delivery.claim(), &delivery.event, delivery.context()).await
}
