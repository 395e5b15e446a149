//! Publishes what a crash or a deaf bus kept back, and deletes what nobody needs any more: every minute, oldest first, as many
//! sweepers as there are.

use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::{Cutoffs, Outbox, SweepReport};
use serde::Serialize;

/// Milliseconds that an event may wait before a sweep takes it: those who committed it are still sending.
const GRACE_MS: i64 = 5_000;
/// Events in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 50;

const DAY_S: i64 = 24 * 3600;
/// Seconds that an event stays after the bus took it: after a bad weekend one can still look up what went out, and when.
const SENT_S: i64 = 7 * DAY_S;
/// Seconds that a claim stays. A message may lie in a dead-letter queue for 14 days, the longest that SQS keeps one, and be put
/// back then: its consumer must still know it.
const CLAIM_S: i64 = 15 * DAY_S;
/// Rows of each kind, in each context, in one round of tidying: far within the time that a statement may take.
const BATCH: u32 = 500;
/// Rounds of tidying in one run; what remains is the next run's.
const BATCHES: u32 = 10;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Events that the bus took.
    pub sent: u32,
    /// Events that still wait.
    pub waiting: u64,
    /// Rows that nobody needed any more.
    pub deleted: u64,
}

/// Sweeps and then tidies.
pub async fn handle(outbox: &impl Outbox, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = sweep(outbox, tick.now).await?;
    summary.deleted = tidy(outbox, tick.now).await?;
    Ok(summary)
}

/// Sweeps until nothing is due, the bus is silent, or the rounds are up. Each round begins where the last one ended, so that
/// what is refused, or cannot be read, keeps nothing back that is younger.
async fn sweep(outbox: &impl Outbox, now: Timestamp) -> Result<Summary, Failure> {
    let before = Timestamp::from_millisecond(now.as_millisecond() - GRACE_MS).map_err(Failure::internal)?;
    let (mut sent, mut swept) = (0, SweepReport::default());
    for _ in 0..ROUNDS {
        swept = outbox.sweep(before, ROUND, swept.last).await?;
        sent += swept.sent;
        if swept.due < ROUND || swept.timed_out {
            break;
        }
    }
    let lag = swept.oldest.map_or(0, |oldest| now.as_millisecond().saturating_sub(oldest.as_millisecond()));
    metrics::value("OutboxLag", Unit::Milliseconds, u64::try_from(lag).unwrap_or_default());
    metrics::value("OutboxWaiting", Unit::Count, swept.waiting);
    Ok(Summary { sent, waiting: swept.waiting, deleted: 0 })
}

/// Deletes until nothing is old enough, or the rounds are up.
async fn tidy(outbox: &impl Outbox, now: Timestamp) -> Result<u64, Failure> {
    let ago = |seconds| Timestamp::from_second(now.as_second() - seconds).map_err(Failure::internal);
    let ends = Cutoffs { sent: ago(SENT_S)?, claims: ago(CLAIM_S)?, replies: now };
    let mut deleted = 0;
    for _ in 0..BATCHES {
        match outbox.clean_up(&ends, BATCH).await?.total() {
            0 => break,
            some => deleted += some,
        }
    }
    Ok(deleted)
}
