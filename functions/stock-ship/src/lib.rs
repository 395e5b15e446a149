//! Removes the units of a shipped order from their stock accounts: they are neither available nor reserved any more.

use domain::{
    DomainEvent,
    event::{OrderShipped, SEQUENCE_SET_BY_STORE},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

/// Ships the allocated units of one order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let &OrderShipped { order_id, .. } = delivery.event.event.payload()?;
    let event = delivery.event(order_id, SEQUENCE_SET_BY_STORE, stock::shipped(order_id));
    stock.ship(delivery.claim(), order_id, &event).await.map(drop)
}
