//! Allocates the stock of a paid order: its reservation does not expire any more.
//!
//! An expired reservation is allocated if there is enough stock. If there is not, the order becomes a backorder, and the shortfall policy
//! decides what happens to it.

use domain::{
    DomainEvent,
    event::{PaymentRef, PaymentSucceeded, SEQUENCE_SET_BY_STORE},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::{PaidOrder, StockStore};

/// Allocates the stock of one order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let &PaymentSucceeded { order_id, payment_id, .. } = delivery.event.event.payload()?;
    let payment = PaymentRef { payment_id, version: delivery.event.sequence };
    let allocated = delivery.event(order_id, SEQUENCE_SET_BY_STORE, stock::allocated(order_id, payment));
    let failed = delivery.event(order_id, SEQUENCE_SET_BY_STORE, stock::allocation_failed(order_id, payment));
    let paid = PaidOrder { order_id, payment, at: delivery.event.time };
    stock.allocate(delivery.claim(), &paid, &allocated, &failed).await.map(drop)
}
