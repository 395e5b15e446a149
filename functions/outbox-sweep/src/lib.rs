//! Publishes events that a crash or an unreachable bus left in the outboxes, requeues those that a consumer has not recorded an hour after
//! they were published, and deletes rows that are past their retention: every minute, oldest first. Runs may overlap. Then it counts the consumers
//! that are paused, whose events it may have requeued.

use domain::consumer::MappingState;
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::{Failure, Timestamp};
use ports::{ConsumerMappings, Outbox, Retention};
use serde::Serialize;
use services::{delete_expired, publish_waiting, requeue_undelivered};
use std::{collections::BTreeSet, time::Duration};

/// Time of a run that publishing leaves, for deleting. A run has four minutes, so that runs overlap when there is a backlog.
const FOR_DELETING: Duration = Duration::from_secs(140);
/// Stop this long before the deadline: the duration of a run with much to do is no alarm.
const TIME_RESERVE: Duration = Duration::from_secs(80);

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Events that the bus accepted.
    pub sent: u32,
    /// Events that the context of their outbox does not publish.
    pub refused: u32,
    /// Events that are still pending, without the refused ones; a large number is not counted to its end.
    pub waiting: u64,
    /// Published events that a consumer has not recorded. The next run publishes them again.
    pub requeued: u64,
    /// Rows that were deleted.
    pub deleted: u64,
    /// Tables that still have rows past their retention.
    pub behind: usize,
}

/// Publishes, looks for events that are not delivered, cleans up, and counts. A part that fails does not keep the others from running: the first
/// failure is returned, and the others are logged.
pub async fn handle(
    outbox: &impl Outbox,
    retention: &impl Retention,
    mappings: &impl ConsumerMappings,
    tick: Tick,
) -> Result<Summary, Failure> {
    let published = publish_waiting(outbox, || tick.clock.now(), || tick.has_less_than(FOR_DELETING)).await;
    let refused = published.as_ref().map_or(0, |report| report.refused);
    let waiting = measure_backlog(outbox, refused, tick.now).await;
    let requeued = requeue_undelivered(outbox, tick.now, || tick.has_less_than(FOR_DELETING)).await;
    if let Ok(requeued @ 1..) = requeued {
        metrics::count("EventsUndelivered", requeued);
    }
    let tables = catalog::swept_tables().map(|one| (one.table, one.since, one.days));
    let deleted = delete_expired(retention, tables, tick.now, || tick.has_less_than(TIME_RESERVE)).await;
    if let Ok(deleted) = &deleted {
        metrics::value("RetentionTablesBehind", metrics::Unit::Count, deleted.behind as u64);
    }
    count_paused(mappings).await;
    let failures = [
        ("publication of waiting events", published.as_ref().err()),
        ("count of waiting events", waiting.as_ref().err()),
        ("delivery check", requeued.as_ref().err()),
        ("deletion of expired rows", deleted.as_ref().map_or_else(Some, |deleted| deleted.result.as_ref().err())),
    ];
    for (part, failure) in failures.into_iter().filter_map(|(part, failure)| Some((part, failure?))).skip(1) {
        telemetry::log_failure(part, failure);
    }
    let (sent, waiting, requeued, deleted) = (published?.sent, waiting?, requeued?, deleted?);
    deleted.result?;
    Ok(Summary { sent, refused, waiting, requeued, deleted: deleted.rows, behind: deleted.behind })
}

/// Emits the age of the oldest pending event and the number of those that will be sent, and returns that number. Refused events are never sent;
/// they have an alarm of their own, at each run until somebody has looked at them.
async fn measure_backlog(outbox: &impl Outbox, refused: u32, now: Timestamp) -> Result<u64, Failure> {
    let backlog = outbox.backlog().await?;
    let lag = backlog.oldest.map_or(0, |oldest| now.as_millisecond().saturating_sub(oldest.as_millisecond()));
    metrics::value("OutboxLag", metrics::Unit::Milliseconds, lag.max(0));
    let waiting = backlog.waiting.saturating_sub(u64::from(refused));
    metrics::value("OutboxWaiting", metrics::Unit::Count, waiting);
    Ok(waiting)
}

/// Emits the number of consumers that are paused, also in part. The work of the run is done, whether or not Lambda can be asked.
async fn count_paused(mappings: &impl ConsumerMappings) {
    match mappings.list().await {
        Ok(all) => {
            let paused = all.iter().filter(|mapping| mapping.state == MappingState::Disabled);
            let consumers: BTreeSet<&str> = paused.map(|mapping| mapping.consumer).collect();
            metrics::value("ConsumersPaused", metrics::Unit::Count, consumers.len() as u64);
        }
        Err(failure) => telemetry::log_failure("count of paused consumers", &failure),
    }
}
