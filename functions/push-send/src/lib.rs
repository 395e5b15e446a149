//! Shows customers who chose that a notice on their devices, when an order is confirmed, waits for something, is cancelled,
//! shipped or delivered.

use domain::{
    DomainEvent, event,
    notification::{self, Channel},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, ContactStore, DeviceStore, MessageTemplates, NotificationJob, PushChannel, PushSender};

/// Sends one notice.
pub async fn handle(
    contacts: &(impl ContactStore + DeviceStore),
    letters: &impl MessageTemplates,
    pusher: &impl PushSender,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let sent = notification::for_event(about, Channel::Push).ok_or_else(|| event::unexpected_event(about))?;
    let event =
        event::wrap(delivery.ids.next(), delivery.event.subject, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::PUSH_SEND.name, event_id: delivery.event.id };
    ports::send_once(
        contacts,
        letters,
        &PushChannel(pusher, contacts),
        NotificationJob { claim, about, sent: &sent, event: &event },
    )
    .await
}
