//! Puts confirmed orders on the analytics stream, as they came off the bus.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::AnalyticsStream;

/// Puts one event. Twice is harmless: windows count each event once.
pub async fn handle(stream: &impl AnalyticsStream, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    stream.put(&delivery.event).await
}
