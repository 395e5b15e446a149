//! Ports of the event backbone, of analytics and of operations.

use crate::Page;
use domain::{
    Event,
    user::Role,
    window::{AnalyticsRecord, Window},
};
use kernel::{Failure, Timestamp, Uuid};

/// The event bus.
pub trait Bus {
    /// Publishes events; says of each, in order, whether the bus took it. `Err` when none was.
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure>;
}

/// What is committed and not yet known to be on the bus.
pub trait Outbox {
    /// Takes up to `limit` events that waited since before `before` and stand behind `after`, oldest first, publishes them and
    /// notes which the bus took. What it did not take, and what cannot be read, stays: who goes on from [`SweepReport::last`] comes past
    /// it. Several may sweep at once: none takes what another holds.
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure>;

    /// Deletes what nobody needs any more, up to `limit` rows of each kind in each context.
    async fn clean_up(&self, ends: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure>;
}

/// Where an event stands in the outboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxCursor {
    /// When it happened.
    pub at: Timestamp,
    /// Its id.
    pub id: Uuid,
}

/// Up to when things are no longer needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// Events that the bus took before this.
    pub sent: Timestamp,
    /// Claims that were made before this.
    pub claims: Timestamp,
    /// Answers to requests that expired before this.
    pub replies: Timestamp,
}

/// What a tidying deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Events that the bus has.
    pub sent: u64,
    /// Claims.
    pub claims: u64,
    /// Answers to requests.
    pub replies: u64,
}

impl CleanupReport {
    /// Rows of all kinds.
    pub const fn total(self) -> u64 {
        self.sent + self.claims + self.replies
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Taken.
    pub due: u32,
    /// Accepted by the bus.
    pub sent: u32,
    /// Still waiting in all outboxes after it.
    pub waiting: u64,
    /// When the oldest of those happened.
    pub oldest: Option<Timestamp>,
    /// Where the last of those that were taken stands; nothing, when none was.
    pub last: Option<OutboxCursor>,
    /// Whether the bus did not answer in time: there is no use in asking it again soon.
    pub timed_out: bool,
}

/// A record for a log of events: topic, key for order, and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Topic.
    pub topic: &'static str,
    /// Records with the same key keep their order.
    pub key: String,
    /// The event, as JSON.
    pub value: String,
    /// When it happened.
    pub time: Timestamp,
}

/// A log of events, kept by all replicas before it answers.
pub trait EventLog {
    /// Appends one record.
    async fn append(&self, record: &LogRecord) -> Result<(), Failure>;
}

/// A stream of events to be added up.
pub trait AnalyticsStream {
    /// Puts one event; those of one subject keep their order.
    async fn put(&self, event: &Event) -> Result<(), Failure>;
}

/// The archive: objects that are written, and written again with the same bytes if the same batch comes twice.
pub trait Archive {
    /// Keeps `lines` (JSON, one an event) under a key.
    async fn put(&self, key: &str, lines: String) -> Result<(), Failure>;
}

/// Windows of analytics.
pub trait WindowStore {
    /// Adds facts up; each counts once, whatever the batch it comes in.
    async fn add(&self, facts: &[AnalyticsRecord]) -> Result<(), Failure>;

    /// The windows that begin in `[from, to)`, one a currency, by start and then by currency. Each has its five best selling
    /// products, by pieces and then by id, and the [`MAX_REGIONS`](domain::window::MAX_REGIONS) that brought in most, by name.
    async fn list(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Window>, Failure>;
}

/// A part that may be up or down.
pub trait Probe {
    /// Name of the part, as readers of `/ready` know it.
    fn dependency(&self) -> &'static str;

    /// Whether the service works at all without it.
    fn is_essential(&self) -> bool;

    /// Asks it.
    async fn check(&self) -> Result<(), Failure>;
}

/// Somebody whose account comes with the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedAccount {
    /// Address.
    pub email: domain::text::Email,
    /// Name.
    pub username: domain::text::Username,
    /// PHC string of the password's hash.
    pub password_hash: String,
    /// What they may do.
    pub role: Role,
}

/// The database's schema.
pub trait Migrations {
    /// Applies what is missing; answers the names of what was applied.
    async fn apply(&self) -> Result<Vec<String>, Failure>;

    /// Makes accounts that are missing, and leaves those that are there as they are. How many were made.
    async fn seed_accounts(&self, accounts: &[SeedAccount], now: Timestamp) -> Result<u32, Failure>;
}
