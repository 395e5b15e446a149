//! Puts what analytics uses of confirmed orders on its stream.

use domain::{DomainEvent, window};
use edge::Delivery;
use kernel::Failure;
use ports::AnalyticsStream;

/// Puts one record. A repetition is harmless: windows count each event once.
pub async fn handle(stream: &impl AnalyticsStream, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    stream.put(&window::stream_record(&delivery.event)?).await
}
