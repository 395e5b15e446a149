//! Gives a cancelled order's stock back.

use domain::{
    DomainEvent,
    event::{self, StockReleased},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, StockStore};

/// Frees what is held for one cancelled order; for an order that held nothing there is nothing to do.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let order_id = match &delivery.event.event {
        DomainEvent::OrderCancelled(cancelled) => cancelled.order_id,
        other => return Err(event::unexpected_event(other)),
    };
    let claim = Claim { consumer: catalog::STOCK_RELEASE.name, event_id: delivery.event.id };
    let released = StockReleased { order_id, levels: vec![] };
    let event = event::wrap(delivery.ids.next(), order_id, 5, delivery.now, &delivery.trace, released);
    stock.release(claim, order_id, &event).await.map(drop)
}
