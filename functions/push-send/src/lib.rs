//! Sends a push notification to customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or
//! delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, DeviceStore, MessageTemplates, PushSender};
use services::{Notifier, PushChannel};

/// Sends one push notification to all devices of the customer.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    sender: &impl PushSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let notifier = Notifier { contacts, templates, channel: PushChannel(sender, contacts) };
    notifier.send_once(delivery.claim(), &delivery.event, delivery.context()).await
}
