//! Releases the units of a cancelled order: they are available again.

use domain::{
    DomainEvent,
    event::{self, StockReleased},
    stock::SEQUENCE_SET_BY_STORE,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

/// Releases the reserved or allocated units of one order; an order without any is ignored.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let order_id = match &delivery.event.event {
        DomainEvent::OrderCancelled(cancelled) => cancelled.order_id,
        other => return Err(event::unexpected_event(other)),
    };
    let event = delivery.event(order_id, SEQUENCE_SET_BY_STORE, StockReleased { order_id, levels: vec![] });
    stock.release(delivery.claim(), order_id, &event).await.map(drop)
}
