//! Keeps the stock figure that products show. The inventory decides what is sold; this is what the shop window says.

use domain::{DomainEvent, event};
use edge::Delivery;
use kernel::Failure;
use ports::{Cache, ProductStore};

/// Takes over the levels of one stock event.
pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let levels = match &delivery.event.event {
        DomainEvent::StockOpened(opened) => &opened.levels,
        DomainEvent::StockReserved(reserved) => &reserved.levels,
        DomainEvent::StockKept(kept) => &kept.levels,
        DomainEvent::StockLapsed(lapsed) => &lapsed.levels,
        DomainEvent::StockCommitted(committed) => &committed.levels,
        DomainEvent::StockReleased(released) => &released.levels,
        other => return Err(event::unexpected(other)),
    };
    for level in levels {
        if products.set_stock(level).await? {
            cache.forget(&domain::product::cache_key(level.product_id)).await;
        }
    }
    Ok(())
}
