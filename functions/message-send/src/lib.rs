//! Sends what staff wrote to a customer, through the channel that they chose.

use domain::DomainEvent;
use edge::{Delivery, telemetry};
use kernel::Failure;
use ports::{ContactStore, DeviceStore, EmailSender, MessageTemplates, PushSender, SmsSender};
use services::{Channels, Notifier};

pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    channels: Channels<'_, impl EmailSender, impl SmsSender, impl PushSender>,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let notifier = Notifier { contacts, templates, channels, log: telemetry::log_item_failure };
    notifier.send_requested(delivery.claim(), &delivery.event, delivery.context()).await
}
