//! Compares the ledger with the gateway's, daily: the charges and refunds of the last days, to the cent.
//!
//! The gateway reports its fees only in its own ledger, so this run posts them. Discrepancies are published as an event and counted as
//! a metric.

use domain::{
    event::LedgerReconciled,
    ledger::{self, GatewayStatement},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Timestamp};
use ports::{Gateway, Ledger};
use serde::Serialize;

const DAY_S: i64 = 24 * 3600;
/// Period that one run compares: three days and an hour. Runs overlap, so that a failed run or two lose no day; a transfer is posted
/// once, and a discrepancy is reported daily until it is resolved or three days old.
const SPAN_S: i64 = 3 * DAY_S + 3600;
/// Age of the newest transactions that are compared: younger ones may still be in progress.
const SETTLING_S: i64 = 1800;
/// How much earlier than the gateway, by its clock, we may have posted a transfer.
const CLOCK_MARGIN_S: i64 = 3600;

/// Counts of one run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Transactions of the gateway that were compared.
    pub compared: u32,
    /// Fees that were posted.
    pub fees: u32,
    /// Discrepancies.
    pub discrepancies: u32,
    /// Transactions of the gateway that could not be decoded.
    pub unreadable: u32,
}

/// Compares the last days.
pub async fn handle(ledger: &impl Ledger, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let ago = |seconds| Timestamp::from_second(tick.now.as_second() - seconds).map_err(Failure::internal);
    let (from, to) = (ago(SPAN_S + SETTLING_S)?, ago(SETTLING_S)?);
    let end = ago(-CLOCK_MARGIN_S)?;
    let GatewayStatement { transactions, unreadable } =
        gateway.balance_transactions(ago(SPAN_S + SETTLING_S + DAY_S)?, end).await?;
    let transfers = ledger.between(ago(SPAN_S + SETTLING_S + CLOCK_MARGIN_S)?, end).await?;
    let comparison = ledger::compare(&transfers, &transactions, from, to, tick.now);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let compared =
        count(transactions.iter().filter(|transaction| from <= transaction.at && transaction.at < to).count());
    let summary = Summary {
        compared,
        fees: count(comparison.fees.len()),
        discrepancies: count(comparison.discrepancies.len()),
        unreadable: count(unreadable.len()),
    };
    metrics::value("LedgerDiscrepancies", Unit::Count, summary.discrepancies + summary.unreadable);
    let fees = summary.fees;
    let reconciled = LedgerReconciled { from, to, compared, fees, discrepancies: comparison.discrepancies, unreadable };
    ledger.post(&comparison.fees, &tick.event("ledger", 1, reconciled)).await?;
    Ok(summary)
}
