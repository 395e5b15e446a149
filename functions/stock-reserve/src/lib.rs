//! Holds an order's lines for half an hour, all or none, and says which it was.

use domain::{DomainEvent, event, stock};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, StockStore};

/// Holds the stock of one placed order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::OrderPlaced(placed) = delivery.event.event else {
        return Err(event::unexpected_event(&delivery.event.event));
    };
    let claim = Claim { consumer: catalog::STOCK_RESERVE.name, event_id: delivery.event.id };
    let (order, hold) = (placed.order_id, stock::reserve(placed));
    let (now, trace) = (delivery.now, &delivery.trace);
    let reserved = event::wrap(delivery.ids.next(), order, 1, now, trace, hold.reserved.clone());
    let short = event::wrap(delivery.ids.next(), order, 1, now, trace, hold.failed.clone());
    let expires_at = stock::expires_at(now)?;
    stock.reserve(claim, &hold, expires_at, &reserved, &short).await.map(drop)
}
