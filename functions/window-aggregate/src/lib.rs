//! Aggregates confirmed orders into windows of five minutes of event time. Late and redelivered records count once, in their window.

use domain::{DomainEvent, window};
use edge::Delivery;
use kernel::Failure;
use ports::WindowStore;

/// Adds a batch of the stream to its windows.
pub async fn handle(windows: &impl WindowStore, batch: &[Delivery<DomainEvent>]) -> Result<(), Failure> {
    let record = |Delivery { event, .. }: &Delivery<DomainEvent>| {
        window::analytics_record(event.id, event.time, event.event.payload()?)
    };
    let records = batch.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    windows.add(&records).await
}
