//! Keeps the read model in which products are listed and searched. Events of products and of stock may come in any order.

use domain::{DomainEvent, listing};
use edge::Delivery;
use kernel::Failure;
use ports::ProductIndex;

/// Stores what one event states.
pub async fn handle(index: &impl ProductIndex, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let event = &delivery.event;
    match event.event.stock_levels() {
        Ok(levels) => index.track_stock(levels).await,
        Err(_) => index.track(&listing::stated(&event.event, event.sequence, event.time)?).await,
    }
}
