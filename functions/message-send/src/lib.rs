//! Sends to a customer what the back office wrote.

use domain::{
    DomainEvent,
    event::{self, NotificationSent},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, ContactBook, LetterWriter, Mailer};

/// Sends one message.
pub async fn handle(
    contacts: &impl ContactBook,
    letters: &impl LetterWriter,
    mailer: &impl Mailer,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let asked = match &delivery.event.event {
        DomainEvent::NotificationRequested(asked) => asked,
        other => return Err(event::unexpected(other)),
    };
    let sent = NotificationSent {
        order_id: asked.order_id,
        user_id: asked.user_id,
        channel: asked.channel,
        template: asked.template,
    };
    let event = event::envelop(delivery.ids.next(), asked.user_id, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::MESSAGE_SEND.name, event_id: delivery.event.id };
    ports::send_once(contacts, letters, mailer, claim, &delivery.event.event, &sent, &event).await
}
