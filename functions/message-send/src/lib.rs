//! Sends what staff wrote to a customer, through the channel that they chose.

use domain::{DomainEvent, event, notification::Channel};
use edge::Delivery;
use kernel::Failure;
use ports::{ContactStore, DeviceStore, EmailSender, MessageTemplates, PushSender, SmsSender};
use services::{EmailChannel, PushChannel, SmsChannel, send_requested};

/// Sends one message.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    templates: &impl MessageTemplates,
    (email, sms, push): (&impl EmailSender, &impl SmsSender, &impl PushSender),
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (cause, claim) = (&delivery.event, delivery.claim());
    let DomainEvent::NotificationRequested(request) = &cause.event else {
        return Err(event::unexpected_event(&cause.event));
    };
    let sent = |notification| delivery.event(&cause.subject, 1, notification);
    match request.channel {
        Channel::Email => send_requested(contacts, templates, &EmailChannel(email), claim, cause, sent).await,
        Channel::Sms => send_requested(contacts, templates, &SmsChannel(sms), claim, cause, sent).await,
        Channel::Push => send_requested(contacts, templates, &PushChannel(push, contacts), claim, cause, sent).await,
    }
}
