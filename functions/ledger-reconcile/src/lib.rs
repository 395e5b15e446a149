//! Compares our ledger with the gateway's own, once a day: charges and refunds of the last days, to the cent. The gateway's fees are
//! booked by this comparison, since the gateway says only there what it kept. What does not agree is an event and a metric.

use domain::{
    event::{self, LedgerReconciled},
    ledger::{self, GatewayStatement},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::{Gateway, Ledger};
use serde::Serialize;

/// Seconds in a day.
const DAY_S: i64 = 24 * 3600;
/// Seconds that one comparison covers: three days and an hour. So no day is lost when a run or two fail; what is booked already is
/// not booked again, and a difference is told each day until it is mended or three days old.
const SPAN_S: i64 = 3 * DAY_S + 3600;
/// Seconds before now at which it ends: what is under way is no difference.
const REST_S: i64 = 1800;
/// Seconds by which we may have booked earlier than the gateway, by its clock.
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
    /// Movements of the gateway that could not be read.
    pub unreadable: u32,
}

/// Compares the last days.
pub async fn handle(ledger: &impl Ledger, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let ago = |seconds| Timestamp::from_second(tick.now.as_second() - seconds).map_err(Failure::internal);
    let (from, to) = (ago(SPAN_S + REST_S)?, ago(REST_S)?);
    let now = ago(-MARGIN_S)?;
    let GatewayStatement { transactions: movements, unreadable: unread } =
        gateway.movements(ago(SPAN_S + REST_S + DAY_S)?, now).await?;
    let ours = ledger.between(ago(SPAN_S + REST_S + MARGIN_S)?, now).await?;
    let comparison = ledger::compare(&ours, &movements, from, to, tick.now);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let compared = count(movements.iter().filter(|movement| from <= movement.at && movement.at < to).count());
    let (fees, differences) = (count(comparison.fees.len()), count(comparison.differences.len()));
    let unreadable = count(unread.len());
    metrics::value("LedgerDifferences", Unit::Count, differences + unreadable);
    let reconciled =
        LedgerReconciled { from, to, compared, fees, differences: comparison.differences, unreadable: unread };
    let event = event::wrap(tick.ids.next(), "ledger", 1, tick.now, &tick.trace, reconciled);
    ledger.post(&comparison.fees, &event).await?;
    Ok(Summary { compared, fees, differences, unreadable })
}
