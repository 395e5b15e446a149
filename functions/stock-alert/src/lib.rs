//! Publishes an alert when a product runs low, once until it is restocked.

use domain::{
    DomainEvent,
    event::{self, StockLow},
    stock::{self, LOW_STOCK_THRESHOLD},
};
use edge::Delivery;
use kernel::Failure;
use ports::LowStockAlerts;

/// Records the levels of one stock event. A level that is older than the recorded one changes nothing.
pub async fn handle(alerts: &impl LowStockAlerts, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let stock_event = &delivery.event.event;
    for level in stock_event.stock_levels().ok_or_else(|| event::unexpected_event(stock_event))? {
        let low = StockLow { product_id: level.product_id, available: level.available, threshold: LOW_STOCK_THRESHOLD };
        let event = delivery.event(level.product_id, level.sequence()?, low);
        alerts.record_level(level, stock::is_low(level), &event).await?;
    }
    Ok(())
}
