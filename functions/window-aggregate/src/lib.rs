//! Adds up what happens to orders and payments in windows of five minutes of event time. Late and redelivered records count once, in their
//! window. Customers who are erased are forgotten.

use domain::window::{self, Fact};
use edge::Delivery;
use kernel::Failure;
use ports::WindowStore;

/// Adds a batch of the stream to its windows.
pub async fn handle(windows: &impl WindowStore, batch: &[Delivery<Fact>]) -> Result<(), Failure> {
    let records = batch.iter().filter_map(|delivery| window::analytics_record(&delivery.event).transpose());
    let records = records.collect::<Result<Vec<_>, _>>()?;
    windows.add(&records).await?;
    // After the batch: an order of the same customer in it must not be left behind.
    let erased: Vec<_> = batch.iter().filter_map(|delivery| window::erased_customer(&delivery.event)).collect();
    windows.forget(&erased).await
}
