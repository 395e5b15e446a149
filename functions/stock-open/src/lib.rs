//! Opens the stock account of a new product.

use domain::{
    DomainEvent,
    event::{self, StockOpened},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, StockStore};

/// Opens one account; a second time changes nothing.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let product = match &delivery.event.event {
        DomainEvent::ProductCreated(product) => product,
        other => return Err(event::unexpected_event(other)),
    };
    let claim = Claim { consumer: catalog::STOCK_OPEN.name, event_id: delivery.event.id };
    let opened = StockOpened { levels: vec![stock::initial_level(product)] };
    let id = delivery.ids.next();
    let event = event::wrap(id, product.product_id, 1, delivery.now, &delivery.trace, opened);
    stock.open(claim, product, &event).await.map(drop)
}
