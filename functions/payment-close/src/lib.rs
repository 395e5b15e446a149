//! Closes the payment of a cancelled order: it is not charged any more, and what was charged is refunded.
//!
//! A charge that is in progress finds the payment closed when its outcome is recorded, and is refunded then.

use domain::{
    DomainEvent,
    event::OrderCancelled,
    id::{PaymentId, RefundId},
    payment::{self, Payment},
};
use edge::Delivery;
use kernel::Failure;
use ports::PaymentStore;
use services::advance_payment;

/// Closes the payment of one order.
pub async fn handle(payments: &impl PaymentStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let cancelled: &OrderCancelled = delivery.event.event.payload()?;
    let closed = payment::begin_closed(PaymentId(delivery.ids.next()), cancelled, delivery.now);
    let payment = payments.begin(&closed, None).await?;
    let decide = |payment: &Payment| Ok(payment::close(payment, RefundId(delivery.ids.next()), delivery.now));
    advance_payment(payments, delivery.claim(), payment, decide, delivery.context()).await.map(drop)
}
