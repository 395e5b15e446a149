//! Runs over the outboxes: publishing what waits, and deleting what is past its retention.

use kernel::{Failure, Timestamp, seconds_after};
use ports::{Cutoffs, Outbox, SweepReport};

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

/// Publishes until no event is due, the bus times out or the pages are used up. Each page starts after the last one, so that rejected and
/// undecodable events do not block younger ones. Returns the last report, with the events of all pages.
pub async fn publish_waiting(outbox: &impl Outbox, now: Timestamp) -> Result<SweepReport, Failure> {
    let before = Timestamp::from_millisecond(now.as_millisecond() - GRACE_MS).map_err(Failure::internal)?;
    let mut total = SweepReport::default();
    for _ in 0..MAX_PAGES {
        let page = outbox.sweep(before, PAGE, total.last).await?;
        let (due, sent, refused) = (total.due + page.due, total.sent + page.sent, total.refused + page.refused);
        total = SweepReport { due, sent, refused, ..page };
        if page.due < PAGE || page.timed_out {
            break;
        }
    }
    Ok(total)
}

/// Deletes until no row is past its retention or the batches are used up. Returns the number of rows.
pub async fn delete_expired(outbox: &impl Outbox, now: Timestamp) -> Result<u64, Failure> {
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
