//! Expires reservations whose time is over, then allocates backorders for which there is stock: every minute, each oldest first.
//!
//! Runs may overlap, since the state of a reservation guards each step. A failure of one order does not block the others.

use domain::{
    Event,
    event::{StockAllocated, StockReservationExpired},
    stock::SEQUENCE_SET_BY_STORE,
};
use edge::{
    schedule::Tick,
    telemetry::{
        self,
        metrics::{self, Unit},
    },
};
use kernel::{Failure, FailureKind};
use ports::{ExpiredReservation, PaidOrder, StockStore};
use serde::Serialize;

/// Reservations per page.
const PAGE: u32 = 100;
/// Maximum number of pages in one run; the next run continues.
const MAX_PAGES: u32 = 10;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Reservations that expired.
    pub expired: u32,
    /// Backorders that were allocated.
    pub allocated: u32,
    /// Backorders that remain.
    pub backordered: u64,
    /// Reservations that could not be processed; each is logged.
    pub failed: u32,
}

/// Sweeps expired reservations and backorders.
pub async fn handle(stock: &impl StockStore, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let expired = expire(stock, &tick, &mut summary).await;
    let allocated = allocate(stock, &tick, &mut summary).await;
    metrics::value("ReservationsExpired", Unit::Count, summary.expired);
    metrics::value("ReservationSweepErrors", Unit::Count, summary.failed);
    expired.and(allocated)?;
    summary.backordered = stock.backorder_count().await?;
    metrics::value("ReservationsBackordered", Unit::Count, summary.backordered);
    Ok(summary)
}

/// Whether a step changed anything. A failure of this reservation alone is logged and counted.
fn changed(step: Result<Option<Event>, Failure>, summary: &mut Summary) -> Result<bool, Failure> {
    match step {
        Ok(event) => Ok(event.is_some()),
        Err(failure) if failure.kind == FailureKind::Unavailable => Err(failure),
        Err(failure) => {
            summary.failed += 1;
            telemetry::log_failure("reservation", &failure);
            Ok(false)
        }
    }
}

async fn expire(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut cursor: Option<ExpiredReservation> = None;
    for _ in 0..MAX_PAGES {
        let page = stock.expired_reservations(tick.now, PAGE, cursor).await?;
        for &ExpiredReservation { order_id, .. } in &page {
            let event =
                tick.event(order_id, SEQUENCE_SET_BY_STORE, StockReservationExpired { order_id, levels: vec![] });
            summary.expired += u32::from(changed(stock.expire(order_id, &event).await, summary)?);
        }
        cursor = page.last().copied();
        if page.len() < PAGE as usize {
            break;
        }
    }
    Ok(())
}

async fn allocate(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut cursor: Option<PaidOrder> = None;
    for _ in 0..MAX_PAGES {
        let page = stock.backorders_fillable(PAGE, cursor).await?;
        for &PaidOrder { order_id, payment, .. } in &page {
            let event =
                tick.event(order_id, SEQUENCE_SET_BY_STORE, StockAllocated { order_id, payment, levels: vec![] });
            summary.allocated += u32::from(changed(stock.allocate_backorder(order_id, &event).await, summary)?);
        }
        cursor = page.last().copied();
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unavailable_dependency_ends_a_sweep() {
        let mut summary = Summary::default();
        for failure in
            [Failure::internal("a row"), Failure::new(FailureKind::Conflict, "invalid-reservation-transition", "")]
        {
            assert_eq!(changed(Err(failure), &mut summary), Ok(false));
        }
        assert_eq!((changed(Ok(None), &mut summary), summary.failed), (Ok(false), 2));
        assert!(changed(Err(Failure::unavailable("database", "away")), &mut summary).is_err());
    }
}
