//! Ports of the event backbone: the bus, the outbox and the event log.

use domain::Event;
use kernel::{Failure, Timestamp, Uuid};
use std::collections::BTreeMap;

/// The event bus that committed events are published on.
pub trait Bus {
    /// Publishes events. The result says for each, in order, whether the bus accepted it; `Err` if it accepted none.
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure>;
}

/// Events that are committed and not yet known to be published.
pub trait Outbox {
    /// Publishes up to `limit` events that were committed before `before`, oldest first, starting after the cursor, and marks those
    /// that the bus accepted. Rejected events, rows that cannot be decoded and events of another context than the outbox stay; a caller that continues from
    /// [`SweepReport::last`] advances past them. Sweeps may run concurrently: each locks the rows that it publishes.
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure>;

    /// Deletes what is older than the cutoffs, up to `limit` rows of each kind in each context.
    async fn clean_up(&self, cutoffs: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure>;
}

/// Position in a list that is ordered by time and id, such as the outboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxCursor {
    pub at: Timestamp,
    pub id: Uuid,
}

/// Times before which rows are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// For events, by the time at which they were published.
    pub sent: Timestamp,
    /// For claims, by the time at which they were made.
    pub claims: Timestamp,
    /// For stored responses and for rows of identity that expire, by their expiry.
    pub replies: Timestamp,
}

/// Rows that a clean-up deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Published events.
    pub sent: u64,
    pub claims: u64,
    /// Stored responses.
    pub replies: u64,
    /// Counters of logins and messages, and tokens that verify an address.
    pub expired: u64,
}

impl CleanupReport {
    /// Rows of all kinds.
    pub const fn total(self) -> u64 {
        self.sent + self.claims + self.replies + self.expired
    }
}

/// Result of one sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Events that were offered to the bus.
    pub due: u32,
    /// Events that the bus accepted.
    pub sent: u32,
    /// Events that the context of their outbox does not publish. They are never offered to the bus.
    pub refused: u32,
    /// Events that are still pending in all outboxes.
    pub waiting: u64,
    /// When the oldest pending event happened that may leave.
    pub oldest: Option<Timestamp>,
    /// Position of the last event that was offered; `None` if there was none.
    pub last: Option<OutboxCursor>,
    /// Whether the bus timed out. Another sweep right now would, too.
    pub timed_out: bool,
}

/// A record of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    pub topic: &'static str,
    /// Records with the same key stay in order.
    pub key: String,
    /// The event as JSON.
    pub value: String,
    /// When the event happened.
    pub time: Timestamp,
}

/// The event log. A record is replicated before its append returns.
pub trait EventLog {
    /// Appends one record.
    async fn append(&self, record: &LogRecord) -> Result<(), Failure>;
}

/// The topics of the event log.
pub trait LogTopics {
    /// Number of partitions of each topic, by name.
    async fn list(&self) -> Result<BTreeMap<String, i32>, Failure>;

    /// Creates a topic, with the log's defaults for everything else. Returns `false` and changes nothing if there is one of this name.
    async fn create(&self, name: &str, partitions: i32) -> Result<bool, Failure>;
}

/// The archive of events. Writing the same batch again overwrites its object with the same bytes.
pub trait Archive {
    /// Stores `lines`, one event as JSON on each.
    async fn put(&self, key: &str, lines: String) -> Result<(), Failure>;
}
