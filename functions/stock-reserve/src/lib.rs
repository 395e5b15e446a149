//! Reserves all lines of a new order for half an hour, or none, and publishes the result.

use domain::{
    DomainEvent,
    event::{OrderPlaced, SEQUENCE_SET_BY_STORE},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

/// Reserves the stock of one order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let placed: &OrderPlaced = delivery.event.event.payload()?;
    let (order, reservation) = (placed.order_id, stock::reserve(placed.clone()));
    let reserved = delivery.event(order, SEQUENCE_SET_BY_STORE, reservation.reserved.clone());
    let failed = delivery.event(order, SEQUENCE_SET_BY_STORE, reservation.failed.clone());
    let expires_at = stock::expires_at(delivery.now)?;
    stock.reserve(delivery.claim(), &reservation, expires_at, &reserved, &failed).await.map(drop)
}
