//! Ports of analytics.

use crate::Page;
use domain::{
    id::UserId,
    window::{ChangedWindow, FoundAnomaly, SalesSummary, StreamRecord, Window, WindowEntry, WindowRevision},
};
use kernel::{Failure, Timestamp};

/// The stream of records that analytics aggregates.
pub trait AnalyticsStream {
    /// Puts one record. Records of one subject stay in order.
    async fn put(&self, record: &StreamRecord) -> Result<(), Failure>;
}

/// Aggregates records into windows of five minutes, and lists the windows.
pub trait WindowStore {
    /// Adds records to their windows. A record counts once, in whatever batch it is delivered again. In whatever order records arrive, the
    /// windows are the same.
    async fn add(&self, records: &[WindowEntry]) -> Result<(), Failure>;

    /// Deletes the ids of customers. A later order of such a customer counts as a first order.
    async fn forget(&self, customers: &[UserId]) -> Result<(), Failure>;

    /// The windows that start in `[from, to)`, one per currency, by start and then by currency. Each has its five best-selling
    /// products, by units and then by id, and its [`MAX_REGIONS`](domain::window::MAX_REGIONS) regions of highest revenue, by name.
    async fn list(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Window>, Failure>;

    /// The anomalies of the windows that start in `[from, to)`, newest first: by start and then by id.
    async fn anomalies(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<FoundAnomaly>, Failure>;

    /// Totals of the windows that start in `[from, to)`. It has the five best-selling products, by units and then by id, and the
    /// [`MAX_REGIONS`](domain::window::MAX_REGIONS) regions of most orders, and the orders of the last minutes until `now`.
    async fn summary(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Result<SalesSummary, Failure>;
}

/// Closes windows: publishes each revision of them once.
pub trait WindowClosing {
    /// Opens the windows of the hour before `until` that do not exist, for each currency of the last four weeks: those without orders.
    async fn open(&self, until: Timestamp) -> Result<(), Failure>;

    /// Windows that start before `until` and have a revision that is not published, oldest first.
    async fn changed(&self, until: Timestamp, limit: u32) -> Result<Vec<ChangedWindow>, Failure>;

    /// Commits the events of the windows that have not changed since they were read, keeps their anomalies, marks them as published, and returns
    /// their number.
    async fn publish(&self, closings: &[WindowRevision]) -> Result<u32, Failure>;
}
