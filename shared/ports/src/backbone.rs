//! Ports of the event backbone, of analytics and of operations.

use domain::{
    Event,
    user::Role,
    window::{Fact, Window},
};
use kernel::{Failure, Timestamp};

/// The event bus.
pub trait Bus {
    /// Publishes events; says of each, in order, whether the bus took it. `Err` when none was.
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure>;
}

/// What is committed and not yet known to be on the bus.
pub trait Outbox {
    /// Takes up to `limit` events that waited since before `before`, oldest first, publishes them and notes which the bus took.
    /// Several may sweep at once: none takes what another holds.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<Swept, Failure>;
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Taken.
    pub due: u32,
    /// Accepted by the bus.
    pub sent: u32,
    /// Still waiting in all outboxes after it.
    pub waiting: u64,
    /// Milliseconds that the oldest of those has waited.
    pub lag_ms: u64,
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
pub trait FactStream {
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
    async fn add(&self, facts: &[Fact]) -> Result<(), Failure>;

    /// The windows that begin in `[from, to)`, oldest first, one a currency.
    async fn list(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Window>, Failure>;
}

/// A part that may be up or down.
pub trait Probe {
    /// Name of the part, as readers of `/ready` know it.
    fn part(&self) -> &'static str;

    /// Whether the service works at all without it.
    fn is_essential(&self) -> bool;

    /// Asks it.
    async fn ask(&self) -> Result<(), Failure>;
}

/// Somebody whose account comes with the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundingAccount {
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
    async fn found(&self, accounts: &[FoundingAccount], now: Timestamp) -> Result<u32, Failure>;
}
