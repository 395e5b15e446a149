//! Cancels orders that wait for stock or payment for too long: every five minutes, oldest first.
//!
//! As for every cancelled order, payments are refunded and stock is released. Each cancellation is counted, since no order gets stuck
//! while everything works. Pending orders are counted by status reason, too: only a person resolves one that is under review.

use domain::order::{self, Input, Order, PENDING_TIMEOUT_SECONDS, Reason};
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

/// Orders per page.
const PAGE: u32 = 100;
/// Maximum number of pages in one run; the next run continues.
const MAX_PAGES: u32 = 10;

/// The metric of each status reason of a pending order.
const PENDING: [(Reason, &str); 5] = [
    (Reason::AwaitingStock, "OrdersAwaitingStock"),
    (Reason::AwaitingPayment, "OrdersAwaitingPayment"),
    (Reason::PaymentDeclined, "OrdersPaymentDeclined"),
    (Reason::Backordered, "OrdersBackordered"),
    (Reason::UnderReview, "OrdersUnderReview"),
];

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub cancelled: u32,
    /// Orders that could not be cancelled; each is logged.
    pub failed: u32,
}

/// Sweeps until no order is stuck or the pages are used up.
pub async fn handle(orders: &impl OrderStore, tick: Tick) -> Result<Summary, Failure> {
    let before = Timestamp::from_second(tick.now.as_second() - PENDING_TIMEOUT_SECONDS).map_err(Failure::internal)?;
    let mut summary = Summary::default();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let page = orders.stuck(before, PAGE, cursor).await?;
        for order in page.iter().filter(|order| order::is_stuck(order, tick.now)) {
            match cancel(orders, order, &tick).await {
                Ok(cancelled) => summary.cancelled += u32::from(cancelled),
                Err(failure) if failure.kind == FailureKind::Unavailable => return Err(failure),
                // A defect of one order does not block those behind it.
                Err(failure) => {
                    summary.failed += 1;
                    telemetry::log_failure("order", &failure);
                }
            }
        }
        cursor = page.last().map(|order| OutboxCursor { at: order.created_at, id: order.id.0 });
        if cursor.is_none() {
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

/// Returns whether the order was cancelled; `false` after a version conflict.
async fn cancel(orders: &impl OrderStore, order: &Order, tick: &Tick) -> Result<bool, Failure> {
    let Some((cancelled, payload)) = order::advance(order, Input::TimedOut.into(), tick.now)? else {
        return Ok(false);
    };
    let event = payload.map(|payload| tick.event(order.id, cancelled.version, payload));
    Ok(orders.advance(None, &cancelled, event.as_ref()).await? == TransitionOutcome::Applied)
}
