//! Takes shipped stock off the account: it is neither free nor reserved any more.

use domain::{
    DomainEvent,
    event::{self, StockShipped},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, StockStore};

/// Commits what is kept for one shipped order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let order_id = match &delivery.event.event {
        DomainEvent::OrderShipped(shipped) => shipped.order_id,
        other => return Err(event::unexpected_event(other)),
    };
    let claim = Claim { consumer: catalog::STOCK_SHIP.name, event_id: delivery.event.id };
    let committed = StockShipped { order_id, levels: vec![] };
    let event = event::wrap(delivery.ids.next(), order_id, 4, delivery.now, &delivery.trace, committed);
    stock.ship(claim, order_id, &event).await.map(drop)
}
