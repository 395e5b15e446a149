//! Sends an e-mail to the customer when an order is confirmed, waits for something, is cancelled, shipped or delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, EmailSender, MessageTemplates};
use services::{EmailChannel, send_once};

/// Sends one e-mail.
pub async fn handle(
    contacts: &impl ContactStore,
    templates: &impl MessageTemplates,
    sender: &impl EmailSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let cause = &delivery.event;
    let sent = |notification| delivery.event(&cause.subject, 1, notification);
    send_once(contacts, templates, &EmailChannel(sender), delivery.claim(), cause, sent).await
}
