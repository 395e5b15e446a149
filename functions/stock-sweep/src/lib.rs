//! Frees holds that lapsed, and then holds for paid orders that wait what is there for them: every minute, each time the oldest
//! first. Several may sweep at once: each step is guarded by the reservation's state. What is wrong with one order keeps no other
//! from being looked after.

use domain::{
    Event,
    event::{self, StockKept, StockLapsed},
};
use edge::{
    schedule::Tick,
    telemetry::{
        self,
        metrics::{self, Unit},
    },
};
use kernel::{Failure, Kind};
use ports::{LapsedHold, Paid, StockStore};
use serde::Serialize;

/// Reservations in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 10;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Holds that lapsed.
    pub lapsed: u32,
    /// Paid orders that got their stock after all.
    pub filled: u32,
    /// Paid orders that still wait.
    pub waiting: u64,
    /// Orders that could not be looked after: a defect, which the log names.
    pub failed: u32,
}

/// Sweeps both.
pub async fn handle(stock: &impl StockStore, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let lapsed = lapse(stock, &tick, &mut summary).await;
    let filled = fill(stock, &tick, &mut summary).await;
    metrics::value("HoldsLapsed", Unit::Count, summary.lapsed);
    metrics::value("ReservationsNotSwept", Unit::Count, summary.failed);
    lapsed.and(filled)?;
    summary.waiting = stock.wait().await?;
    metrics::value("OrdersWaitingForStock", Unit::Count, summary.waiting);
    Ok(summary)
}

/// Whether a step was done. Where it failed for a reason of its own the next one is tried.
fn done(step: Result<Option<Event>, Failure>, summary: &mut Summary) -> Result<bool, Failure> {
    match step {
        Ok(event) => Ok(event.is_some()),
        Err(failure) if failure.kind == Kind::Unavailable => Err(failure),
        Err(failure) => {
            summary.failed += 1;
            telemetry::failed("reservation", &failure);
            Ok(false)
        }
    }
}

async fn lapse(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut last: Option<LapsedHold> = None;
    for _ in 0..ROUNDS {
        let due = stock.lapsed(tick.now, ROUND, last).await?;
        for LapsedHold { order_id, .. } in &due {
            let lapsed = StockLapsed { order_id: *order_id, levels: vec![] };
            let event = event::envelop(tick.ids.next(), order_id, 2, tick.now, &tick.trace, lapsed);
            summary.lapsed += u32::from(done(stock.lapse(*order_id, &event).await, summary)?);
        }
        last = due.last().copied();
        if due.len() < ROUND as usize {
            break;
        }
    }
    Ok(())
}

async fn fill(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    let mut last: Option<Paid> = None;
    for _ in 0..ROUNDS {
        let waiting = stock.waiting(ROUND, last).await?;
        for Paid { order_id, payment, .. } in &waiting {
            let kept = StockKept { order_id: *order_id, payment: *payment, levels: vec![] };
            let event = event::envelop(tick.ids.next(), order_id, 3, tick.now, &tick.trace, kept);
            summary.filled += u32::from(done(stock.retry(*order_id, &event).await, summary)?);
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
        for failure in [Failure::internal("a row"), Failure::new(Kind::Conflict, "reservation-contradiction", "")] {
            assert_eq!(done(Err(failure), &mut summary), Ok(false));
        }
        assert_eq!((done(Ok(None), &mut summary), summary.failed), (Ok(false), 2));
        assert!(done(Err(Failure::unavailable("database", "away")), &mut summary).is_err());
    }
}
