//! Adds up what happens to orders and payments in windows of five minutes of event time. Late and redelivered records count once, in their
//! window; one that is older than 31 days is left out, because what was counted is forgotten then. Customers who are erased are forgotten.

use domain::window::{self, AnalyticsRecord, WindowEntry};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::WindowStore;

/// Adds a batch of the stream to its windows.
pub async fn handle(windows: &impl WindowStore, batch: &[Delivery<AnalyticsRecord>]) -> Result<(), Failure> {
    let records = batch.iter().filter_map(|delivery| counted(delivery).transpose());
    let records = records.collect::<Result<Vec<_>, _>>()?;
    windows.add(&records).await?;
    // Erase after adding, because the batch may contain an order of the same customer.
    let erased: Vec<_> = batch.iter().filter_map(|delivery| window::erased_customer(&delivery.event)).collect();
    windows.forget(&erased).await
}

/// What a record adds to its window, if it adds anything.
fn counted(delivery: &Delivery<AnalyticsRecord>) -> Result<Option<WindowEntry>, Failure> {
    let Some(record) = window::window_entry(&delivery.event)? else { return Ok(None) };
    if window::is_counted(record.at, delivery.now)? {
        return Ok(Some(record));
    }
    metrics::count("EventsTooOld", 1);
    tracing::warn!(event.id = %record.event_id, event.time = %record.at, "event is too old to be counted");
    Ok(None)
}
