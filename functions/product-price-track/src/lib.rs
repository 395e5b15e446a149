//! Copies the prices of the catalogue to the table that orders are priced with, and which products are withdrawn from sale.

use domain::{DomainEvent, listing};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::PriceCopy;

/// Age of a change of the catalogue when the copy got it: how far the copy lags behind.
const LAG: &str = "PriceCopyLag";

/// Stores the price that one event of the catalogue states, unless the copy has a newer version of the product.
pub async fn handle(prices: &impl PriceCopy, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let event = &delivery.event;
    let product = listing::stated(&event.event, event.sequence, event.time)?;
    if prices.track(delivery.claim(), &product.snapshot()).await? {
        let lag = delivery.now.as_millisecond().saturating_sub(event.time.as_millisecond());
        metrics::value(LAG, metrics::Unit::Milliseconds, lag.max(0));
    }
    Ok(())
}
