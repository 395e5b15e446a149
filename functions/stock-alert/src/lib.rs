//! Tells once when a product runs low, and again only after it had more.

use domain::{
    DomainEvent,
    event::{self, StockLow},
    stock::{self, LOW_STOCK_PIECES},
};
use edge::Delivery;
use kernel::Failure;
use ports::StockWatch;

/// Notes the levels of one stock event; an older one than was noted changes nothing.
pub async fn handle(watch: &impl StockWatch, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let told = &delivery.event.event;
    for level in told.stock_levels().ok_or_else(|| event::unexpected(told))? {
        let low = StockLow { product_id: level.product_id, available: level.available, threshold: LOW_STOCK_PIECES };
        let version = u64::try_from(level.version).map_err(Failure::internal)?;
        let event = event::envelop(delivery.ids.next(), level.product_id, version, delivery.now, &delivery.trace, low);
        watch.note(level, stock::is_low(level), &event).await?;
    }
    Ok(())
}
