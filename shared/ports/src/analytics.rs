//! Ports of analytics.

use crate::Page;
use domain::window::{AnalyticsRecord, StreamRecord, Window};
use kernel::{Failure, Timestamp};

/// The stream of records that analytics aggregates.
pub trait AnalyticsStream {
    /// Puts one record. Records of one subject stay in order.
    async fn put(&self, record: &StreamRecord) -> Result<(), Failure>;
}

/// Aggregates confirmed orders in windows of five minutes, and lists the windows.
pub trait WindowStore {
    /// Adds records to their windows. A record counts once, in whatever batch it is delivered again.
    async fn add(&self, records: &[AnalyticsRecord]) -> Result<(), Failure>;

    /// The windows that start in `[from, to)`, one per currency, by start and then by currency. Each has its five best-selling
    /// products, by units and then by id, and its [`MAX_REGIONS`](domain::window::MAX_REGIONS) regions of highest revenue, by name.
    async fn list(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Window>, Failure>;
}
