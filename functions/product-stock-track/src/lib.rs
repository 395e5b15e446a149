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
    let event = &delivery.event.event;
    let levels = event.stock_levels().ok_or_else(|| event::unexpected_event(event))?;
    for level in levels {
        products.set_stock(level).await?;
        // Also where the figure was there already: whoever set it may have died before this.
        cache.invalidate(&domain::product::cache_key(level.product_id)).await;
    }
    Ok(())
}
