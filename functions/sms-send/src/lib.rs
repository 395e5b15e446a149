//! Texts customers who chose that, when an order is confirmed, waits for something, is cancelled, shipped or delivered.

use domain::{
    DomainEvent, event,
    notification::{self, Channel},
};
use edge::Delivery;
use kernel::Failure;
use ports::{BySms, Claim, ContactBook, Errand, LetterWriter, Texter};

/// Sends one text message.
pub async fn handle(
    contacts: &impl ContactBook,
    letters: &impl LetterWriter,
    texter: &impl Texter,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let sent = notification::news(about, Channel::Sms).ok_or_else(|| event::unexpected(about))?;
    let event =
        event::envelop(delivery.ids.next(), delivery.event.subject, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::SMS_SEND.name, event_id: delivery.event.id };
    ports::send_once(contacts, letters, &BySms(texter), Errand { claim, about, sent: &sent, event: &event }).await
}
