//! Copies stock levels to the products that show them. Inventory decides what can be sold; this figure is for display.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{Cache, ProductStore, product_cache_key};

/// Stores the levels of one stock event.
pub async fn handle(
    products: &impl ProductStore,
    cache: &impl Cache,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    for level in delivery.event.event.stock_levels()? {
        products.set_stock(level).await?;
        // Also if the figure is stored already: the delivery that stored it may have failed before this line.
        cache.invalidate(&product_cache_key(level.product_id)).await;
    }
    Ok(())
}
