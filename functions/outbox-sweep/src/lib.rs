//! Publishes what a crash or a deaf bus kept back: every minute, oldest first, as many sweepers as there are.

use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::Outbox;
use serde::Serialize;

/// Milliseconds that an event may wait before a sweep takes it: those who committed it are still sending.
const GRACE_MS: i64 = 5_000;
/// Events in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 50;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Events that the bus took.
    pub sent: u32,
    /// Events that still wait.
    pub waiting: u64,
}

/// Sweeps until nothing is due, the bus takes nothing, or the rounds are up.
pub async fn handle(outbox: &impl Outbox, tick: Tick) -> Result<Summary, Failure> {
    let before = Timestamp::from_millisecond(tick.now.as_millisecond() - GRACE_MS).map_err(Failure::internal)?;
    let mut summary = Summary::default();
    for _ in 0..ROUNDS {
        let swept = outbox.sweep(before, ROUND).await?;
        metrics::value("OutboxLag", Unit::Milliseconds, swept.lag_ms);
        summary.sent += swept.sent;
        summary.waiting = swept.waiting;
        if swept.due < ROUND || swept.sent == 0 {
            break;
        }
    }
    metrics::value("OutboxWaiting", Unit::Count, summary.waiting);
    Ok(summary)
}
