//! Frees holds that lapsed, and then holds for paid orders that wait what is there for them: every minute, each time the oldest
//! first. Several may sweep at once: each step is guarded by the reservation's state.

use domain::event::{self, StockKept, StockLapsed};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::Failure;
use ports::{Paid, StockStore};
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
    pub waiting: u32,
}

/// Sweeps both.
pub async fn handle(stock: &impl StockStore, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    lapse(stock, &tick, &mut summary).await?;
    fill(stock, &tick, &mut summary).await?;
    metrics::value("HoldsLapsed", Unit::Count, summary.lapsed);
    metrics::value("OrdersWaitingForStock", Unit::Count, summary.waiting);
    Ok(summary)
}

async fn lapse(stock: &impl StockStore, tick: &Tick, summary: &mut Summary) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        let due = stock.lapsed(tick.now, ROUND).await?;
        for order_id in &due {
            let lapsed = StockLapsed { order_id: *order_id, levels: vec![] };
            let event = event::envelop(tick.ids.next(), order_id, 2, tick.now, &tick.trace, lapsed);
            summary.lapsed += u32::from(stock.lapse(*order_id, &event).await?.is_some());
        }
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
            match stock.retry(*order_id, &event).await? {
                Some(_) => summary.filled += 1,
                None => summary.waiting += 1,
            }
        }
        last = waiting.last().copied();
        if waiting.len() < ROUND as usize {
            break;
        }
    }
    Ok(())
}
