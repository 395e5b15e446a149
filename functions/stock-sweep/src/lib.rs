//! Frees holds that lapsed, and then holds for paid orders that wait what is there for them: every minute, each time the oldest
//! first. Several may sweep at once: each step is guarded by the reservation's state. What is wrong with one order keeps no other
//! from being looked after.

use domain::{
    Event,
    event::{self, StockAllocated, StockReservationExpired},
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

/// Reservations in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 10;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Holds that lapsed.
    pub expired: u32,
    /// Paid orders that got their stock after all.
    pub allocated: u32,
    /// Paid orders that still wait.
    pub backordered: u64,
    /// Orders that could not be looked after: a defect, which the log names.
    pub failed: u32,
}

/// Sweeps both.
pub async fn handle(stock: &impl StockStore, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let lapsed = lapse(stock, &tick, &mut summary).await;
    let filled = fill(stock, &tick, &mut summary).await;
    metrics::value("ReservationsExpired", Unit::Count, summary.expired);
    metrics::value("ReservationSweepErrors", Unit::Count, summary.failed);
    lapsed.and(filled)?;
    summary.backordered = stock.backorder_count().await?;
    metrics::value("OrdersWaitingForAllocation", Unit::Count, summary.backordered);
    Ok(summary)
}

/// Whether a step was done. Where it failed for a reason of its own the next one is tried.
fn done(step: Result<Option<Event>, Failure>, summary: &mut Summary) -> Result<bool, Failure> {
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

async fn lapse(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut last: Option<ExpiredReservation> = None;
    for _ in 0..ROUNDS {
        let due = stock.expired_reservations(tick.now, ROUND, last).await?;
        for ExpiredReservation { order_id, .. } in &due {
            let lapsed = StockReservationExpired { order_id: *order_id, levels: vec![] };
            let event = event::wrap(tick.ids.next(), order_id, 2, tick.now, &tick.trace, lapsed);
            summary.expired += u32::from(done(stock.expire(*order_id, &event).await, summary)?);
        }
        last = due.last().copied();
        if due.len() < ROUND as usize {
            break;
        }
    }
    Ok(())
}

async fn fill(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut last: Option<PaidOrder> = None;
    for _ in 0..ROUNDS {
        let waiting = stock.backorders_fillable(ROUND, last).await?;
        for PaidOrder { order_id, payment, .. } in &waiting {
            let kept = StockAllocated { order_id: *order_id, payment: *payment, levels: vec![] };
            let event = event::wrap(tick.ids.next(), order_id, 3, tick.now, &tick.trace, kept);
            summary.allocated += u32::from(done(stock.allocate_backorder(*order_id, &event).await, summary)?);
        }
        last = waiting.last().copied();
        if last.is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_one_reservation_ends_no_sweep_and_a_database_that_is_away_does() {
        let mut summary = Summary::default();
        for failure in
            [Failure::internal("a row"), Failure::new(FailureKind::Conflict, "invalid-reservation-transition", "")]
        {
            assert_eq!(done(Err(failure), &mut summary), Ok(false));
        }
        assert_eq!((done(Ok(None), &mut summary), summary.failed), (Ok(false), 2));
        assert!(done(Err(Failure::unavailable("database", "away")), &mut summary).is_err());
    }
}
