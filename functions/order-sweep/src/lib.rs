//! Undoes orders that have stood still for too long: every five minutes, oldest first.
//!
//! What was charged for them goes back and what is held for them is freed, as for every cancelled order. It is counted as a metric,
//! for where nothing is wrong no order stands still. How many orders are pending, and for what, is counted as well: nobody but a
//! person moves one that is under review.

use domain::{
    event,
    order::{self, Input, Order, PENDING_TIMEOUT_SECONDS, Reason},
};
use edge::{
    schedule::Tick,
    telemetry::{
        self,
        metrics::{self, Unit},
    },
};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{OrderStore, OutboxCursor, TransitionOutcome};
use serde::Serialize;

/// Orders in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 10;

/// What a pending order waits for, each with its metric.
const PENDING: [(Reason, &str); 5] = [
    (Reason::AwaitingStock, "OrdersAwaitingStock"),
    (Reason::AwaitingPayment, "OrdersAwaitingPayment"),
    (Reason::PaymentDeclined, "OrdersPaymentDeclined"),
    (Reason::Backordered, "OrdersBackordered"),
    (Reason::UnderReview, "OrdersUnderReview"),
];

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Orders that were cancelled.
    pub cancelled: u32,
    /// Orders that could not be cancelled: a defect, which the log names.
    pub failed: u32,
}

/// Sweeps until nothing is due, or the rounds are up.
pub async fn handle(orders: &impl OrderStore, tick: Tick) -> Result<Summary, Failure> {
    let before = Timestamp::from_second(tick.now.as_second() - PENDING_TIMEOUT_SECONDS).map_err(Failure::internal)?;
    let mut summary = Summary::default();
    let mut last = None;
    for _ in 0..ROUNDS {
        let stuck = orders.stuck(before, ROUND, last).await?;
        for order in stuck.iter().filter(|order| order::is_stuck(order, tick.now)) {
            match undo(orders, order, &tick).await {
                Ok(cancelled) => summary.cancelled += u32::from(cancelled),
                Err(failure) if failure.kind == FailureKind::Unavailable => return Err(failure),
                // Those behind it are not to wait for what is wrong with this one.
                Err(failure) => {
                    summary.failed += 1;
                    telemetry::log_failure("order", &failure);
                }
            }
        }
        last = stuck.last().map(|order| OutboxCursor { at: order.created_at, id: order.id.0 });
        if last.is_none() {
            break;
        }
    }
    metrics::value("StuckOrdersCancelled", Unit::Count, summary.cancelled);
    metrics::value("StuckOrdersNotCancelled", Unit::Count, summary.failed);
    let pending = orders.pending().await?;
    for (reason, metric) in PENDING {
        metrics::value(metric, Unit::Count, pending.get(&reason).copied().unwrap_or_default());
    }
    Ok(summary)
}

/// Whether the order was cancelled: not where another step was faster.
async fn undo(orders: &impl OrderStore, order: &Order, tick: &Tick) -> Result<bool, Failure> {
    let Some((cancelled, news)) = order::advance(order, Input::TimedOut.into(), tick.now)? else { return Ok(false) };
    let event = news.map(|news| event::wrap(tick.ids.next(), order.id, cancelled.version, tick.now, &tick.trace, news));
    Ok(orders.advance(None, &cancelled, event.as_ref()).await? == TransitionOutcome::Applied)
}
