//! Aggregates confirmed orders into windows of five minutes of event time. Late and redelivered records count once, in their window.

use domain::window::{self, Fact};
use edge::Delivery;
use kernel::Failure;
use ports::WindowStore;

/// Adds a batch of the stream to its windows.
pub async fn handle(windows: &impl WindowStore, batch: &[Delivery<Fact>]) -> Result<(), Failure> {
    let records = batch.iter().filter_map(|delivery| window::analytics_record(&delivery.event).transpose());
    let records = records.collect::<Result<Vec<_>, _>>()?;
    windows.add(&records).await
}
