//! Aggregates confirmed orders into windows of five minutes of event time. Late and redelivered records count once, in their window.

use domain::{DomainEvent, event, window};
use edge::Delivery;
use kernel::Failure;
use ports::WindowStore;

/// Adds a batch of the stream to its windows.
pub async fn handle(windows: &impl WindowStore, batch: &[Delivery<DomainEvent>]) -> Result<(), Failure> {
    let record = |delivery: &Delivery<DomainEvent>| match &delivery.event.event {
        DomainEvent::OrderConfirmed(order) => window::analytics_record(delivery.event.id, delivery.event.time, order),
        other => Err(event::unexpected_event(other)),
    };
    let records = batch.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    windows.add(&records).await
}
