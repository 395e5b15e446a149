//! Releases the units of a cancelled order: they are available again.

use domain::{
    DomainEvent,
    event::{OrderCancelled, SEQUENCE_SET_BY_STORE},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

/// Releases the reserved or allocated units of one order; an order without any is ignored.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let &OrderCancelled { order_id, .. } = delivery.event.event.payload()?;
    let event = delivery.event(order_id, SEQUENCE_SET_BY_STORE, stock::released(order_id));
    stock.release(delivery.claim(), order_id, &event).await.map(drop)
}
