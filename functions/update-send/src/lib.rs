//! Notifies the customer when an order is confirmed, waits for something, is cancelled, shipped or delivered: through each channel that they
//! chose.
//!
//! Each channel is sent to, logged and retried by itself. The log says if the country of a number is not served, or if there were too many
//! text messages.

use domain::DomainEvent;
use edge::{Delivery, telemetry};
use kernel::Failure;
use ports::{ContactStore, DeviceStore, EmailSender, MessageTemplates, PushSender, SmsSender};
use services::{Channels, Notifier};

/// Sends the notifications about one event.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    channels: Channels<'_, impl EmailSender, impl SmsSender, impl PushSender>,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let notifier = Notifier { contacts, templates, channels, log: telemetry::log_item_failure };
    notifier.send_update(&delivery.event, delivery.context()).await
}
