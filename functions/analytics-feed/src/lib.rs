//! Forwards confirmed orders from the bus to the analytics stream.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::AnalyticsStream;

/// Puts one event. A repetition is harmless: windows count each event once.
pub async fn handle(stream: &impl AnalyticsStream, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    stream.put(&delivery.event).await
}
