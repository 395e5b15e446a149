//! Cancels orders that wait for stock or payment for too long: every five minutes, oldest first.
//!
//! As for every cancelled order, payments are refunded and stock is released. Each cancellation is counted, since no order gets stuck
//! while everything works. Pending orders are counted by status reason, too: only a person resolves one that is under review.
//!
//! Then it erases the orders of erased customers that have become final.

use domain::order::{self, Order, Reason};
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::{Failure, Timestamp};
use ports::{DueErasures, OrderErasure, OrderStore, TimeCursor, TransitionOutcome};
use serde::Serialize;
use services::{Sweep, SweepSummary, commit_order};
use std::time::Duration;

/// Orders per page.
const PAGE: u32 = 100;
const SWEEP: Sweep<Order> = Sweep {
    max_pages: 10,
    max_unavailable: 3,
    log: |order, failure| telemetry::log_item_failure("sweep of an order", order.id, failure),
};

/// Stop this long before the deadline, for the statement in progress, the count and the erasures.
const TIME_RESERVE: Duration = Duration::from_secs(15);

/// The metric of each status reason of a pending order.
const PENDING: [(Reason, &str); 6] = [
    (Reason::AwaitingStock, "OrdersAwaitingStock"),
    (Reason::AwaitingPayment, "OrdersAwaitingPayment"),
    (Reason::AwaitingCustomer, "OrdersAwaitingCustomer"),
    (Reason::PaymentDeclined, "OrdersPaymentDeclined"),
    (Reason::Backordered, "OrdersBackordered"),
    (Reason::UnderReview, "OrdersUnderReview"),
];

/// Counts of one run.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub cancelled: u32,
    /// Orders that could not be cancelled; each is logged.
    pub failed: u32,
    /// Orders of erased customers that were erased.
    pub erased: u64,
}

/// Cancels every order that is stuck, as long as there is time, counts the pending ones and erases those that are due. A part that fails
/// does not keep the others from running.
pub async fn handle(orders: &impl OrderStore, erasure: &impl OrderErasure, tick: Tick) -> Result<Summary, Failure> {
    let before = order::stuck_before(tick.now)?;
    let page = async |last: Option<&Order>| {
        let cursor = last.map(|order| TimeCursor { at: order.created_at, id: order.id.0 });
        orders.stuck(before, PAGE, cursor).await
    };
    let cancel = async |order: &Order| {
        let Some((cancelled, payload)) = order::time_out(order, tick.now)? else { return Ok(false) };
        // After a version conflict, the next run decides again.
        Ok(commit_order(orders, None, &cancelled, payload, tick.context()).await? == TransitionOutcome::Applied)
    };
    let SweepSummary { changed: cancelled, failed, result, .. } =
        SWEEP.run(|| tick.has_less_than(TIME_RESERVE), page, cancel).await;
    metrics::count("StuckOrdersCancelled", cancelled.into());
    metrics::value("StuckOrdersNotCancelled", metrics::Unit::Count, failed);
    let counted = count_pending(orders).await;
    let erased = erase_due(erasure, tick.now).await;
    result.and(counted)?;
    Ok(Summary { cancelled, failed, erased: erased? })
}

async fn count_pending(orders: &impl OrderStore) -> Result<(), Failure> {
    let pending = orders.pending().await?;
    for (reason, metric) in PENDING {
        metrics::value(metric, metrics::Unit::Count, pending.get(&reason).copied().unwrap_or_default());
    }
    Ok(())
}

/// The number of orders that were erased.
async fn erase_due(erasure: &impl OrderErasure, now: Timestamp) -> Result<u64, Failure> {
    let DueErasures { erased, open } = erasure.erase_due(now).await?;
    metrics::value("ErasuresOpen", metrics::Unit::Count, open);
    Ok(erased)
}
