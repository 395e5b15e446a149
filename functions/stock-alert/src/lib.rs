//! Publishes an alert when a product runs low, once until it is restocked.

use domain::{DomainEvent, stock};
use edge::Delivery;
use kernel::Failure;
use ports::LowStockAlerts;

/// Records the levels of one stock event. A level that is older than the recorded one changes nothing.
pub async fn handle(alerts: &impl LowStockAlerts, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    for level in delivery.event.event.stock_levels()? {
        let event = delivery.event(level.product_id, level.sequence()?, stock::low(level));
        alerts.record_level(level, stock::is_low(level), &event).await?;
    }
    Ok(())
}
