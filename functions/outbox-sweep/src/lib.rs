//! Publishes events that a crash or an unreachable bus left in the outboxes, and deletes rows that are past their retention: every
//! minute, oldest first. Runs may overlap.

use edge::{schedule::Tick, telemetry::metrics};
use kernel::Failure;
use ports::Outbox;
use serde::Serialize;
use services::{delete_expired, publish_waiting};

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Events that the bus accepted.
    pub sent: u32,
    /// Events that the context of their outbox does not publish.
    pub refused: u32,
    /// Events that are still pending, without the refused ones.
    pub waiting: u64,
    /// Rows that were deleted.
    pub deleted: u64,
}

/// Publishes, then cleans up.
pub async fn handle(outbox: &impl Outbox, tick: Tick) -> Result<Summary, Failure> {
    let report = publish_waiting(outbox, tick.now).await?;
    let lag = report.oldest.map_or(0, |oldest| tick.now.as_millisecond().saturating_sub(oldest.as_millisecond()));
    metrics::value("OutboxLag", metrics::Unit::Milliseconds, lag.max(0));
    // Refused events are never sent; they have an alarm of their own, at each run until somebody has looked at them.
    let waiting = report.waiting.saturating_sub(u64::from(report.refused));
    metrics::value("OutboxWaiting", metrics::Unit::Count, waiting);
    let deleted = delete_expired(outbox, tick.now).await?;
    Ok(Summary { sent: report.sent, refused: report.refused, waiting, deleted })
}
