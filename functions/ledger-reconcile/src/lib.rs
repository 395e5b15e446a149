//! Compares our ledger with the gateway's own, once a day: charges and refunds of the day before, to the cent. The gateway's fees are
//! booked by this comparison, since the gateway says only there what it kept. What does not agree is an event and a metric.

use domain::{
    event::{self, LedgerReconciled},
    ledger,
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::{Gateway, Ledger};
use serde::Serialize;

/// Seconds that one comparison covers: a day, and an hour of the day before once more.
const SPAN_S: i64 = 25 * 3600;
/// Seconds before now at which it ends: what is under way is no difference.
const REST_S: i64 = 1800;
/// Seconds by which either side may have booked earlier or later than the other.
const MARGIN_S: i64 = 3600;

/// What a run found.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Movements of the gateway.
    pub compared: u32,
    /// Fees that were booked.
    pub fees: u32,
    /// Differences.
    pub differences: u32,
}

/// Compares one day.
pub async fn handle(ledger: &impl Ledger, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let ago = |seconds| Timestamp::from_second(tick.now.as_second() - seconds).map_err(Failure::internal);
    let (from, to) = (ago(SPAN_S + REST_S)?, ago(REST_S)?);
    let (early, late) = (ago(SPAN_S + REST_S + MARGIN_S)?, ago(REST_S - MARGIN_S)?);
    let theirs = gateway.movements(early, late).await?;
    let ours = ledger.between(early, late).await?;
    let comparison = ledger::compare(&ours, &theirs, from, to, tick.now);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let compared = count(theirs.iter().filter(|movement| from <= movement.at && movement.at < to).count());
    let (fees, differences) = (count(comparison.fees.len()), count(comparison.differences.len()));
    metrics::value("LedgerDifferences", Unit::Count, differences);
    let reconciled = LedgerReconciled { from, to, compared, fees, differences: comparison.differences };
    let event = event::envelop(tick.ids.next(), "ledger", 1, tick.now, &tick.trace, reconciled);
    ledger.book(&comparison.fees, &event).await?;
    Ok(Summary { compared, fees, differences })
}
