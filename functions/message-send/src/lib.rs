//! Sends what staff wrote to a customer, through the channel that they chose.

use domain::{DomainEvent, event::NotificationRequested, message_limits::MessageLimits, notification::Channel};
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, DeviceStore, EmailSender, MessageTemplates, PushSender, SmsSender};
use services::{EmailChannel, Notifier, PushChannel, SmsChannel};

/// Sends one message.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    (email, sms, push): (&impl EmailSender, &impl SmsSender, &impl PushSender),
    limits: &MessageLimits,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (cause, claim, context) = (&delivery.event, delivery.claim(), delivery.context());
    let request: &NotificationRequested = cause.event.payload()?;
    match request.channel {
        Channel::Email => {
            let channel = EmailChannel(email);
            Notifier { contacts, templates, channel }.send_requested(claim, cause, context).await
        }
        Channel::Sms => {
            let channel = SmsChannel { sender: sms, budgets: contacts, limits };
            Notifier { contacts, templates, channel }.send_requested(claim, cause, context).await
        }
        Channel::Push => {
            let channel = PushChannel(push, contacts);
            Notifier { contacts, templates, channel }.send_requested(claim, cause, context).await
        }
    }
}
