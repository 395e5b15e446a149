//! Writes to the customer when an order is confirmed, waits for something, is cancelled, shipped or delivered.
//!
//! Mail cannot be part of a transaction: between handing a letter over and keeping that it was sent, a crash sends it again.
//! At least once, and once but for that.

use domain::{
    DomainEvent,
    event::{self, NotificationSent},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, ContactBook, LetterWriter, Mailer};

const CHANNEL: &str = "email";

/// Sends one letter.
pub async fn handle(
    contacts: &impl ContactBook,
    letters: &impl LetterWriter,
    mailer: &impl Mailer,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, user_id, template) = match &delivery.event.event {
        DomainEvent::OrderConfirmed(order) => (order.order_id, order.user_id, "order_confirmed"),
        DomainEvent::OrderCancelled(order) => (order.order_id, order.user_id, "order_cancelled"),
        DomainEvent::OrderWaiting(order) => (order.order_id, order.user_id, "order_waiting"),
        DomainEvent::OrderShipped(order) => (order.order_id, order.user_id, "order_shipped"),
        DomainEvent::OrderDelivered(order) => (order.order_id, order.user_id, "order_delivered"),
        other => return Err(event::unexpected(other)),
    };
    let claim = Claim { consumer: catalog::MAIL_SEND.name, event_id: delivery.event.id };
    if contacts.was_sent(claim).await? {
        return Ok(());
    }
    let on_its_way = || Failure::unavailable("contact", "the customer's contact has not arrived yet");
    let contact = contacts.find(user_id).await?.ok_or_else(on_its_way)?;
    mailer.send(&letters.write(template, &contact, &delivery.event.event)?).await?;
    let sent = NotificationSent { order_id, user_id, channel: CHANNEL.to_owned(), template: template.to_owned() };
    let event = event::envelop(delivery.ids.next(), order_id, 1, delivery.now, &delivery.trace, sent);
    contacts.sent(claim, &event).await.map(drop)
}
