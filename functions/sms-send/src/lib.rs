//! Texts customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or delivered.

use domain::{
    DomainEvent, event,
    notification::{self, Channel},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, ContactStore, MessageTemplates, NotificationJob, SmsChannel, SmsSender};

/// Sends one text message.
pub async fn handle(
    contacts: &impl ContactStore,
    letters: &impl MessageTemplates,
    texter: &impl SmsSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let sent = notification::for_event(about, Channel::Sms).ok_or_else(|| event::unexpected_event(about))?;
    let event =
        event::wrap(delivery.ids.next(), delivery.event.subject, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::SMS_SEND.name, event_id: delivery.event.id };
    ports::send_once(
        contacts,
        letters,
        &SmsChannel(texter),
        NotificationJob { claim, about, sent: &sent, event: &event },
    )
    .await
}
