//! Tells once when a product runs low, and again only after it had more.

use domain::{
    DomainEvent,
    event::{self, StockLow},
    stock::{self, LOW_STOCK_THRESHOLD},
};
use edge::Delivery;
use kernel::Failure;
use ports::LowStockAlerts;

/// Notes the levels of one stock event; an older one than was noted changes nothing.
pub async fn handle(watch: &impl LowStockAlerts, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let told = &delivery.event.event;
    for level in told.stock_levels().ok_or_else(|| event::unexpected_event(told))? {
        let low = StockLow { product_id: level.product_id, available: level.available, threshold: LOW_STOCK_THRESHOLD };
        let version = u64::try_from(level.version).map_err(Failure::internal)?;
        let event = event::wrap(delivery.ids.next(), level.product_id, version, delivery.now, &delivery.trace, low);
        watch.record_level(level, stock::is_low(level), &event).await?;
    }
    Ok(())
}
