//! Expires reservations whose time is over, then allocates backorders for which there is stock: every minute, each oldest first.
//!
//! Runs may overlap, since the state of a reservation guards each step. A failure of one order does not block the others.

use domain::{event::SEQUENCE_SET_BY_STORE, id::OrderId, stock};
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::Failure;
use ports::{ExpiredReservation, PaidOrder, StockStore};
use serde::Serialize;
use services::Sweep;
use std::time::Duration;

/// Reservations per page.
const PAGE: u32 = 100;
const MAX_PAGES: u32 = 10;
/// Consecutive reservations that are locked, or whose statement is stopped, after which a part of the run ends.
const MAX_UNAVAILABLE: u32 = 3;
/// Time of a run that expiring reservations leaves, so that backorders are allocated however many reservations expire.
const FOR_BACKORDERS: Duration = Duration::from_secs(25);
/// Stop this long before the deadline, for the statement in progress and the count.
const TIME_RESERVE: Duration = Duration::from_secs(12);

/// Counts of one run.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub expired: u32,
    /// Backorders that were allocated.
    pub allocated: u32,
    /// Backorders that remain.
    pub backordered: u64,
    /// Reservations that could not be processed; each is logged.
    pub failed: u32,
}

/// Sweeps expired reservations and backorders. What does not fit into the time of a run is left to the next.
pub async fn handle(stock: &impl StockStore, tick: Tick) -> Result<Summary, Failure> {
    let page = async |last: Option<&_>| stock.expired_reservations(tick.now, PAGE, last.copied()).await;
    let expire = async |&ExpiredReservation { order_id, .. }: &_| {
        let event = tick.event(order_id, SEQUENCE_SET_BY_STORE, stock::expired(order_id));
        Ok(stock.expire(order_id, &event).await?.is_some())
    };
    let sweep = Sweep {
        max_pages: MAX_PAGES,
        max_unavailable: MAX_UNAVAILABLE,
        log: |one: &ExpiredReservation, failure| log(one.order_id, failure),
    };
    let expired = sweep.run(|| tick.has_less_than(FOR_BACKORDERS), page, expire).await;
    let page = async |last: Option<&_>| stock.fillable_backorders(PAGE, last.copied()).await;
    let allocate = async |&PaidOrder { order_id, payment, .. }: &_| {
        let event = tick.event(order_id, SEQUENCE_SET_BY_STORE, stock::allocated(order_id, payment));
        Ok(stock.allocate_backorder(order_id, &event).await?.is_some())
    };
    let sweep = Sweep {
        max_pages: MAX_PAGES,
        max_unavailable: MAX_UNAVAILABLE,
        log: |one: &PaidOrder, failure| log(one.order_id, failure),
    };
    let allocated = sweep.run(|| tick.has_less_than(TIME_RESERVE), page, allocate).await;
    let failed = expired.failed + allocated.failed;
    metrics::value("ReservationsExpired", metrics::Unit::Count, expired.changed);
    metrics::value("ReservationSweepErrors", metrics::Unit::Count, failed);
    let backordered = count_backorders(stock).await;
    expired.result.and(allocated.result)?;
    let backordered = backordered?;
    Ok(Summary { expired: expired.changed, allocated: allocated.changed, backordered, failed })
}

async fn count_backorders(stock: &impl StockStore) -> Result<u64, Failure> {
    let backordered = stock.backorder_count().await?;
    metrics::value("ReservationsBackordered", metrics::Unit::Count, backordered);
    Ok(backordered)
}

fn log(order: OrderId, failure: &Failure) {
    telemetry::log_item_failure("sweep of a reservation", order, failure);
}
