//! Closes the payment of a cancelled order: it is not charged any more, and what was charged is refunded.
//!
//! A charge that is in progress finds the payment closed when its outcome is recorded, and is refunded then.

use domain::{
    DomainEvent, event,
    id::{PaymentId, RefundId},
    payment,
};
use edge::Delivery;
use kernel::Failure;
use ports::PaymentStore;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Closes the payment of one order.
pub async fn handle(payments: &impl PaymentStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let cancelled = match &delivery.event.event {
        DomainEvent::OrderCancelled(cancelled) => cancelled,
        other => return Err(event::unexpected_event(other)),
    };
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let closed = payment::begin_closed(PaymentId(delivery.ids.next()), cancelled, delivery.now);
        let payment = payments.begin(&closed).await?;
        let Some(change) = payment::close(&payment, RefundId(delivery.ids.next()), delivery.now) else {
            return Ok(Some(()));
        };
        let events = delivery.events(payment.id, change.payment.version, &change.events);
        Ok(payments.advance(Some(delivery.claim()), &change, &events).await?.unless_conflict())
    })
    .await
}
