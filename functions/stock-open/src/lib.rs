//! Opens the stock account of a new product.

use domain::{
    DomainEvent,
    event::{ProductCreated, StockOpened},
    stock,
};
use edge::Delivery;
use kernel::Failure;
use ports::StockStore;

pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let product: &ProductCreated = delivery.event.event.payload()?;
    let event = delivery.event(product.product_id, 1, StockOpened { levels: vec![stock::initial_level(product)] });
    stock.open(delivery.claim(), product, &event).await.map(drop)
}
