//! Publishes events that a crash or an unreachable bus left in the outboxes, and deletes rows that are past their retention: every
//! minute, oldest first. Runs may overlap.

use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp, seconds_after};
use ports::{Cutoffs, Outbox, SweepReport};
use serde::Serialize;

/// Age of the youngest event that a sweep publishes: the function that committed a younger one may still be publishing it.
const GRACE_MS: i64 = 5_000;
/// Events per page.
const PAGE: u32 = 100;
/// Maximum number of pages in one run; the next run continues.
const MAX_PAGES: u32 = 50;

const DAY_S: i64 = 24 * 3600;
/// Retention of published events: long enough to look up after a weekend what was published, and when.
const EVENT_RETENTION_S: i64 = 7 * DAY_S;
/// Retention of claims. A message may be redriven from a dead-letter queue after up to 14 days, the longest retention of SQS, and its
/// consumer must still recognize it.
const CLAIM_RETENTION_S: i64 = 15 * DAY_S;
/// Rows of each kind, in each context, that one statement deletes: it stays far below the statement timeout.
const BATCH: u32 = 500;
/// Maximum number of batches in one run; the next run continues.
const MAX_BATCHES: u32 = 10;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Events that the bus accepted.
    pub sent: u32,
    /// Events that the context of their outbox does not publish.
    pub refused: u32,
    /// Events that are still pending.
    pub waiting: u64,
    /// Rows that were deleted.
    pub deleted: u64,
}

/// Publishes, then cleans up.
pub async fn handle(outbox: &impl Outbox, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = publish(outbox, tick.now).await?;
    summary.deleted = clean_up(outbox, tick.now).await?;
    Ok(summary)
}

/// Sweeps until no event is due, the bus times out or the pages are used up. Each page starts after the last one, so that rejected and
/// undecodable events do not block younger ones.
async fn publish(outbox: &impl Outbox, now: Timestamp) -> Result<Summary, Failure> {
    let before = Timestamp::from_millisecond(now.as_millisecond() - GRACE_MS).map_err(Failure::internal)?;
    let (mut sent, mut refused, mut report) = (0, 0, SweepReport::default());
    for _ in 0..MAX_PAGES {
        report = outbox.sweep(before, PAGE, report.last).await?;
        sent += report.sent;
        refused += report.refused;
        if report.due < PAGE || report.timed_out {
            break;
        }
    }
    let lag = report.oldest.map_or(0, |oldest| now.as_millisecond().saturating_sub(oldest.as_millisecond()));
    metrics::value("OutboxLag", Unit::Milliseconds, u64::try_from(lag).unwrap_or_default());
    metrics::value("OutboxWaiting", Unit::Count, report.waiting);
    Ok(Summary { sent, refused, waiting: report.waiting, deleted: 0 })
}

/// Deletes until no row is past its retention or the batches are used up.
async fn clean_up(outbox: &impl Outbox, now: Timestamp) -> Result<u64, Failure> {
    let (sent, claims) = (seconds_after(now, -EVENT_RETENTION_S)?, seconds_after(now, -CLAIM_RETENTION_S)?);
    let cutoffs = Cutoffs { sent, claims, replies: now };
    let mut deleted = 0;
    for _ in 0..MAX_BATCHES {
        match outbox.clean_up(&cutoffs, BATCH).await?.total() {
            0 => break,
            rows => deleted += rows,
        }
    }
    Ok(deleted)
}
