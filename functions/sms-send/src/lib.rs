//! Sends a text message to customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or
//! delivered. The log says if the country of the number is not served, or if there were too many messages.

use domain::{DomainEvent, message_limits::MessageLimits};
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, MessageTemplates, SmsSender};
use services::{Notifier, SmsChannel};

/// Sends one text message.
pub async fn handle(
    contacts: &impl ContactStore,
    templates: &impl MessageTemplates,
    sender: &impl SmsSender,
    limits: &MessageLimits,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let channel = SmsChannel { sender, budgets: contacts, limits };
    let notifier = Notifier { contacts, templates, channel };
    notifier.send_once(delivery.claim(), &delivery.event, delivery.context()).await
}
