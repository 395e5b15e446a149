//! Opens the stock account of a new product.

use domain::{
    DomainEvent,
    event::{self, StockOpened},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

/// Opens one account.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let product = match &delivery.event.event {
        DomainEvent::ProductCreated(product) => product,
        other => return Err(event::unexpected_event(other)),
    };
    let event = delivery.event(product.product_id, 1, StockOpened { levels: vec![stock::initial_level(product)] });
    stock.open(delivery.claim(), product, &event).await.map(drop)
}
