//! Publishes pending events of the outboxes, requeues events that a consumer has not recorded, and deletes expired rows.

use kernel::{Failure, FailureKind, Timestamp, seconds_after};
use ports::{DeliveryCheck, ExpiredRows, Outbox, Retention, SweepReport};

/// Age of the youngest event that a sweep publishes: the function that committed a younger one may still be publishing it.
const GRACE_MS: i64 = 5_000;
/// Events per page: as many as the adapter offers to the bus at once, so that a page takes one of its timeouts at most.
const PAGE: u32 = 250;
/// Pages of which the bus was offered events and accepted none, after which a run ends. Events that it always rejects are skipped up to here. What is
/// not offered to it is always skipped.
const MAX_PAGES_WITHOUT_PROGRESS: u32 = 20;

const DAY_S: i64 = 24 * 3600;
/// Time since the publication of an event after which its consumers should have handled it.
const DELIVERY_CHECK_AGE_S: i64 = 3600;
/// Ages in hours at which an undelivered event is published again: three times on its first day, and then once a day. Few, because in an
/// outage of a consumer each adds a copy of every event that waits in its queue.
const REPEAT_HOURS: &[i64] = &[1, 2, 8, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240, 264, 288, 312];
/// Rows that one statement deletes: it stays far below the statement timeout.
const BATCH: u32 = 5_000;

/// Publishes until no event is due, the bus responds to nothing or `is_over`. Each page starts after the last one, so that rejected and
/// undecodable events do not block younger ones; `now` is asked for each, since the lease of a page counts from then. Returns the last report, with
/// the events of all pages.
pub async fn publish_waiting(
    outbox: &impl Outbox,
    now: impl Fn() -> Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<SweepReport, Failure> {
    let (mut total, mut without_progress) = (SweepReport::default(), 0);
    while !is_over() {
        let before = Timestamp::from_millisecond(now().as_millisecond() - GRACE_MS).map_err(Failure::internal)?;
        let page = outbox.sweep(before, PAGE, total.last).await?;
        let (due, sent, refused) = (total.due + page.due, total.sent + page.sent, total.refused + page.refused);
        total = SweepReport { due, sent, refused, offered: total.offered + page.offered, ..page };
        without_progress = match (page.offered, page.sent) {
            (0, _) => without_progress,
            (_, 0) => without_progress + 1,
            _ => 0,
        };
        if page.due < PAGE || page.timed_out || without_progress == MAX_PAGES_WITHOUT_PROGRESS {
            break;
        }
    }
    Ok(total)
}

/// Requeues published events that a consumer has not recorded, until none is left to look at or `is_over`. Returns their number.
pub async fn requeue_undelivered(
    outbox: &impl Outbox,
    now: Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<u64, Failure> {
    let give_up_age_s = i64::from(catalog::DELIVERY_DAYS) * DAY_S;
    let (published_before, given_up_before) =
        (seconds_after(now, -DELIVERY_CHECK_AGE_S)?, seconds_after(now, -give_up_age_s)?);
    let check = DeliveryCheck { now, published_before, given_up_before, repeat_hours: REPEAT_HOURS, limit: PAGE };
    let mut requeued = 0;
    while !is_over() {
        let page = outbox.requeue_undelivered(&check).await?;
        requeued += page.requeued;
        if page.checked < u64::from(PAGE) {
            break;
        }
    }
    Ok(requeued)
}

/// What a run deleted.
#[derive(Debug)]
pub struct Deleted {
    pub rows: u64,
    /// Tables that still have rows past their retention.
    pub behind: usize,
    /// The first failure. It concerns one table and delays no other.
    pub result: Result<(), Failure>,
}

/// Tables one after the other whose deletion is unavailable before a run ends: a database that does not answer is not asked for each table.
const MAX_UNAVAILABLE: u32 = 3;

/// Deletes rows of these tables that are older than so many days, until there are none or `is_over`. Tables take turns, so that a large one
/// does not delay the others.
pub async fn delete_expired(
    retention: &impl Retention,
    tables: impl IntoIterator<Item = (&'static str, &'static str, u32)>,
    now: Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<Deleted, Failure> {
    let expired = |(table, since, days): (_, _, u32)| {
        Ok(ExpiredRows { table, since, before: seconds_after(now, -DAY_S * i64::from(days))? })
    };
    let mut open: Vec<ExpiredRows> = tables.into_iter().map(expired).collect::<Result<_, Failure>>()?;
    let mut deleted = Deleted { rows: 0, behind: 0, result: Ok(()) };
    let mut unavailable = 0;
    while !open.is_empty() && !is_over() && unavailable < MAX_UNAVAILABLE {
        let mut behind = Vec::new();
        for rows in open {
            if is_over() || unavailable >= MAX_UNAVAILABLE {
                behind.push(rows);
                continue;
            }
            let batch = retention.delete(&rows, BATCH).await;
            unavailable = match &batch {
                Err(failure) if failure.kind == FailureKind::Unavailable => unavailable + 1,
                _ => 0,
            };
            match batch {
                Ok(count) => {
                    deleted.rows += u64::from(count);
                    behind.extend((count == BATCH).then_some(rows));
                }
                Err(failure) => deleted.result = deleted.result.and(Err(failure)),
            }
        }
        open = behind;
    }
    deleted.behind = open.len();
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::cell::Cell;

    const TABLES: [(&str, &str, u32); 5] =
        [("a", "at", 1), ("b", "at", 1), ("c", "at", 1), ("d", "at", 1), ("e", "at", 1)];

    /// Has no rows; the deletions from these tables fail.
    struct Failing {
        tables: &'static [&'static str],
        kind: FailureKind,
        asked: Cell<usize>,
    }

    impl Retention for Failing {
        async fn delete(&self, rows: &ExpiredRows, _: u32) -> Result<u32, Failure> {
            self.asked.set(self.asked.get() + 1);
            if self.tables.contains(&rows.table) { Err(Failure::new(self.kind, "failed", "It failed.")) } else { Ok(0) }
        }
    }

    /// How often was asked, and how many tables were left.
    fn run(tables: &'static [&'static str], kind: FailureKind) -> (usize, usize) {
        let retention = Failing { tables, kind, asked: Cell::new(0) };
        let deleted = delete_expired(&retention, TABLES, Timestamp::UNIX_EPOCH, || false).now_or_never();
        let deleted = deleted.expect("nothing waits").expect("the times are valid");
        assert!(deleted.result.is_err());
        (retention.asked.get(), deleted.behind)
    }

    #[test]
    fn database_that_does_not_answer_is_not_asked_for_every_table() {
        assert_eq!(run(&["a", "b", "c", "d", "e"], FailureKind::Unavailable), (3, 2));
    }

    #[test]
    fn failure_of_single_tables_delays_no_other() {
        assert_eq!(run(&["a", "c", "d"], FailureKind::Unavailable), (5, 0));
        assert_eq!(run(&["a", "b", "c", "d"], FailureKind::Internal), (5, 0));
    }
}
