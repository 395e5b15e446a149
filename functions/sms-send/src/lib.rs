//! Sends a text message to customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or
//! delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, MessageTemplates, SmsSender};
use services::{SmsChannel, send_once};

/// Sends one text message.
pub async fn handle(
    contacts: &impl ContactStore,
    templates: &impl MessageTemplates,
    sender: &impl SmsSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let cause = &delivery.event;
    let sent = |notification| delivery.event(&cause.subject, 1, notification);
    send_once(contacts, templates, &SmsChannel(sender), delivery.claim(), cause, sent).await
}
