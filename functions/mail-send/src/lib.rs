//! Writes to the customer when an order is confirmed, waits for something, is cancelled, shipped or delivered.

use domain::{
    DomainEvent,
    event::{self, NotificationSent},
    notification::{Channel, Template},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, ContactBook, LetterWriter, Mailer};

/// Sends one letter.
pub async fn handle(
    contacts: &impl ContactBook,
    letters: &impl LetterWriter,
    mailer: &impl Mailer,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, user_id, template) = match &delivery.event.event {
        DomainEvent::OrderConfirmed(order) => (order.order_id, order.user_id, Template::OrderConfirmed),
        DomainEvent::OrderCancelled(order) => (order.order_id, order.user_id, Template::OrderCancelled),
        DomainEvent::OrderWaiting(order) => (order.order_id, order.user_id, Template::OrderWaiting),
        DomainEvent::OrderShipped(order) => (order.order_id, order.user_id, Template::OrderShipped),
        DomainEvent::OrderDelivered(order) => (order.order_id, order.user_id, Template::OrderDelivered),
        other => return Err(event::unexpected(other)),
    };
    let sent = NotificationSent { order_id: Some(order_id), user_id, channel: Channel::Email, template };
    let event = event::envelop(delivery.ids.next(), order_id, 1, delivery.now, &delivery.trace, sent.clone());
    let claim = Claim { consumer: catalog::MAIL_SEND.name, event_id: delivery.event.id };
    ports::send_once(contacts, letters, mailer, claim, &delivery.event.event, &sent, &event).await
}
