//! Ports of the event backbone: the bus, the outbox and the event log.

use domain::Event;
use kernel::{Claim, Failure, Timestamp, Uuid};
use std::collections::BTreeMap;

/// The event bus that committed events are published on.
pub trait Bus {
    /// Publishes events. The result says for each, in order, whether the bus accepted it; `Err` if it accepted none.
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure>;
}

/// How long the events that a sweep leased are left alone by other sweeps, if it ends before it has marked them. Longer than one sweep may take, by
/// more than the clocks of two functions differ.
pub const SWEEP_LEASE_SECONDS: i64 = 60;

/// Pending events that [`Outbox::backlog`] counts at most.
pub const MAX_COUNTED: u64 = 10_000;

/// Events that are committed and not yet known to be published.
pub trait Outbox {
    /// Publishes up to `limit` events that were committed before `before`, oldest first, starting after the cursor, and marks those
    /// that the bus accepted, also if it does not respond about others. Rejected events, rows that cannot be decoded and events of another
    /// context than the outbox stay; a caller that continues from [`SweepReport::last`] advances past them.
    ///
    /// Sweeps may run concurrently: each first leases its events, for [`SWEEP_LEASE_SECONDS`] from `before`, and holds no lock while it asks
    /// the bus. The cost does not depend on the number of pending events.
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<SweepReport, Failure>;

    /// What is pending. The cost does not depend on the number of pending events.
    async fn backlog(&self) -> Result<Backlog, Failure>;

    /// Looks once at up to `check.limit` published events of each context, and at those with the same time. One that a function of
    /// `catalog::consumers_with_inbox` has not recorded is due to be published again, or to be looked at again an hour later.
    async fn requeue_undelivered(&self, check: &DeliveryCheck) -> Result<DeliveryCheckReport, Failure>;
}

/// Rows that are past their retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredRows {
    /// `schema.table`.
    pub table: &'static str,
    /// The column with the time that decides.
    pub since: &'static str,
    /// Rows with an earlier time are expired, also by the clock of the database.
    pub before: Timestamp,
}

/// Deletion of rows that are past their retention.
pub trait Retention {
    /// Deletes up to `limit` rows, oldest first, and returns how many. The cost depends on their number only.
    async fn delete(&self, rows: &ExpiredRows, limit: u32) -> Result<u32, Failure>;
}

/// Pending events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that are pending in all outboxes; [`MAX_COUNTED`] stands for that many or more.
    pub waiting: u64,
    /// Time of the oldest pending event that a sweep would publish.
    pub oldest: Option<Timestamp>,
}

/// The outbox of a context whose changes are stored elsewhere.
pub trait EventOutbox {
    /// Commits the event of a change, and publishes it. Committing it again changes nothing: the sweep publishes what was not.
    async fn commit(&self, event: &Event) -> Result<(), Failure>;
}

/// Records that a consumer has handled an event, and how often it failed. The first is for handlers that do not store a claim with each
/// event that they handle: without a record, the event is published again.
pub trait HandledEvents {
    /// Records the claim. Recording it again changes nothing.
    async fn record(&self, claim: Claim) -> Result<(), Failure>;

    /// Counts an attempt that failed, with the code of the failure, for operators.
    async fn record_failure(&self, claim: Claim, code: &'static str) -> Result<(), Failure>;

    /// Records that the event is in the consumer's dead-letter queue, with the reason, until the next attempt or until it is handled.
    async fn record_dead_letter(&self, claim: Claim, code: &str) -> Result<(), Failure>;

    /// Does `work`, and records the claim if it succeeds, else the failure.
    async fn after(&self, claim: Claim, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        let done = match work.await {
            Ok(()) => self.record(claim).await,
            failed => failed,
        };
        counted(self, claim, done).await
    }

    /// Does `work`, which stores the claim itself, and records its failure.
    async fn attempt(&self, claim: Claim, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        let done = work.await;
        counted(self, claim, done).await
    }
}

/// Records a failure, and returns it even if it cannot be recorded.
async fn counted(
    handled_events: &(impl HandledEvents + ?Sized),
    claim: Claim,
    done: Result<(), Failure>,
) -> Result<(), Failure> {
    let Err(mut failure) = done else { return Ok(()) };
    if let Err(unrecorded) = handled_events.record_failure(claim, failure.code).await {
        let cause = failure.internal.take().map(|cause| format!("{cause}; ")).unwrap_or_default();
        failure.internal = Some(format!("{cause}the attempt is not counted: {unrecorded}"));
    }
    Err(failure)
}

/// Parameters of a delivery check: which events it checks, and when it requeues an event that a consumer has not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryCheck {
    pub now: Timestamp,
    /// Events that were published before it are looked at.
    pub published_before: Timestamp,
    /// Events that happened before it are given up.
    pub given_up_before: Timestamp,
    /// The ages in whole hours at which an event is published again: [`domain::delivery_check::is_repeat_due`].
    pub repeat_hours: &'static [i64],
    pub limit: u32,
}

/// Result of one delivery check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryCheckReport {
    /// Events that were looked at, in the context with the most of them.
    pub checked: u64,
    /// Events that will be published again.
    pub requeued: u64,
}

/// Position in a list that is ordered by time and id, such as the outboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeCursor {
    pub at: Timestamp,
    pub id: Uuid,
}

/// Result of one sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Events that were leased.
    pub due: u32,
    /// Events that the bus accepted.
    pub sent: u32,
    /// Events that were offered to the bus: all but those that are refused or cannot be decoded.
    pub offered: u32,
    /// Events that the context of their outbox does not publish. They are never offered to the bus.
    pub refused: u32,
    /// Position of the last event that was leased; `None` if there was none.
    pub last: Option<TimeCursor>,
    /// Whether no request to the bus got a response, so that another sweep would time out as well.
    pub timed_out: bool,
}

/// A record of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLogRecord {
    pub topic: &'static str,
    /// Records with the same key stay in order.
    pub key: String,
    /// The event as JSON; `None` is a tombstone, which deletes the key from a compacted topic.
    pub value: Option<String>,
    /// When the event happened.
    pub time: Timestamp,
}

/// The event log. A record is replicated before its append returns.
pub trait EventLog {
    async fn append(&self, record: &EventLogRecord) -> Result<(), Failure>;
}

/// The topics of the event log.
pub trait LogTopics {
    /// Number of partitions of each topic, by name.
    async fn list(&self) -> Result<BTreeMap<String, i32>, Failure>;

    /// Creates a topic, with the log's defaults for everything else. Returns `false` and changes nothing if there is one of this name.
    async fn create(&self, name: &str, partitions: i32) -> Result<bool, Failure>;

    /// Gives a topic these settings, and leaves its others. Returns whether one of them was different.
    async fn configure(&self, name: &str, settings: &[(&str, &str)]) -> Result<bool, Failure>;
}

/// The archive of events. Writing the same batch again overwrites its object with the same bytes.
pub trait Archive {
    /// Stores `lines`, one event as JSON on each.
    async fn put(&self, key: &str, lines: String) -> Result<(), Failure>;
}
