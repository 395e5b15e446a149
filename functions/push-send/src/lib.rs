//! Sends a push notification to customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or
//! delivered.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, DeviceStore, MessageTemplates, PushSender};
use services::{PushChannel, send_once};

/// Sends one push notification to all devices of the customer.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    sender: &impl PushSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let cause = &delivery.event;
    let sent = |notification| delivery.event(&cause.subject, 1, notification);
    send_once(contacts, templates, &PushChannel(sender, contacts), delivery.claim(), cause, sent).await
}
