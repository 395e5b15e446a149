//! Undoes orders that have stood still for too long: every five minutes, oldest first.
//!
//! What was charged for them goes back and what is held for them is freed, as for every cancelled order. It is counted as a metric,
//! for where nothing is wrong no order stands still.

use domain::{
    event,
    order::{self, Cue, Order, STANDSTILL_SECONDS},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::{Advanced, OrderStore};
use serde::Serialize;

/// Orders in one round.
const ROUND: u32 = 100;
/// Rounds in one run; what remains is the next run's.
const ROUNDS: u32 = 10;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Orders that were undone.
    pub undone: u32,
}

/// Sweeps until nothing is due, or the rounds are up.
pub async fn handle(orders: &impl OrderStore, tick: Tick) -> Result<Summary, Failure> {
    let before = Timestamp::from_second(tick.now.as_second() - STANDSTILL_SECONDS).map_err(Failure::internal)?;
    let mut summary = Summary::default();
    for _ in 0..ROUNDS {
        let stuck = orders.stuck(before, ROUND).await?;
        let mut undone = 0;
        for order in stuck.iter().filter(|order| order::is_stuck(order, tick.now)) {
            undone += u32::from(undo(orders, order, &tick).await?);
        }
        summary.undone += undone;
        if undone == 0 || stuck.len() < ROUND as usize {
            break;
        }
    }
    metrics::value("OrdersUndone", Unit::Count, summary.undone);
    Ok(summary)
}

/// Whether the order was undone: not where another step was faster.
async fn undo(orders: &impl OrderStore, order: &Order, tick: &Tick) -> Result<bool, Failure> {
    let Some((undone, news)) = order::advance(order, Cue::StandsStill.into(), tick.now)? else { return Ok(false) };
    let event = news.map(|news| event::envelop(tick.ids.next(), order.id, undone.version, tick.now, &tick.trace, news));
    Ok(orders.advance(None, &undone, event.as_ref()).await? == Advanced::Now)
}
