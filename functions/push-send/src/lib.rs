//! Shows customers who chose that a notice on their devices, when an order is confirmed, waits for something, is cancelled,
//! shipped or delivered.

use domain::{
    DomainEvent, event,
    notification::{self, Channel},
};
use edge::Delivery;
use kernel::Failure;
use ports::{ByPush, Claim, ContactBook, DeviceBook, Errand, LetterWriter, Pusher};

/// Sends one notice.
pub async fn handle(
    contacts: &(impl ContactBook + DeviceBook),
    letters: &impl LetterWriter,
    pusher: &impl Pusher,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let sent = notification::news(about, Channel::Push).ok_or_else(|| event::unexpected(about))?;
    let event =
        event::envelop(delivery.ids.next(), delivery.event.subject, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::PUSH_SEND.name, event_id: delivery.event.id };
    ports::send_once(contacts, letters, &ByPush(pusher, contacts), Errand { claim, about, sent: &sent, event: &event })
        .await
}
