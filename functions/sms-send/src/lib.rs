//! Sends a text message to customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or
//! delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, MessageTemplates, SmsSender};
use services::{Notifier, SmsChannel};

/// Sends one text message.
pub async fn handle(
    contacts: &impl ContactStore,
    templates: &impl MessageTemplates,
    sender: &impl SmsSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let notifier = Notifier { contacts, templates, channel: SmsChannel(sender) };
    notifier.send_once(delivery.claim(), &delivery.event, delivery.context()).await
}
