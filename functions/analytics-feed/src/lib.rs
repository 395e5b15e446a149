//! Puts what analytics uses of orders, payments and erasures on its stream.

use domain::{DomainEvent, window};
use edge::Delivery;
use kernel::Failure;
use ports::AnalyticsStream;

/// Puts one record, or none for an event of the canary. A repetition is harmless: windows count each event once.
pub async fn handle(stream: &impl AnalyticsStream, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    match window::stream_record(&delivery.event)? {
        Some(record) => stream.put(&record).await,
        None => Ok(()),
    }
}
