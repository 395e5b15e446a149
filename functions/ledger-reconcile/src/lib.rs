//! Compares the ledger with the gateway's, daily: the charges and refunds of the last days, to the cent.
//!
//! The gateway reports its fees only in its own ledger, so this run posts them. Discrepancies are published as an event and counted as
//! a metric.

use domain::reconciliation::{self, Period};
use edge::{schedule::Tick, telemetry::metrics};
use kernel::Failure;
use ports::{Gateway, Ledger};
use serde::Serialize;

/// Counts of one run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Transactions of the gateway that were compared.
    pub compared: u32,
    /// Fees that were posted.
    pub fees: u32,
    /// Discrepancies.
    pub discrepancies: usize,
    /// Transactions of the gateway that could not be decoded.
    pub unreadable: usize,
}

/// Compares the last days.
pub async fn handle(ledger: &impl Ledger, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let period = Period::before(tick.now)?;
    let statement = gateway.balance_transactions(period.transactions_from, period.until).await?;
    let transfers = ledger.between(period.transfers_from, period.until).await?;
    let (fees, reconciled) = reconciliation::reconcile(period, &transfers, statement, tick.now);
    let (discrepancies, unreadable) = (reconciled.discrepancies.len(), reconciled.unreadable.len());
    let summary = Summary { compared: reconciled.compared, fees: reconciled.fees, discrepancies, unreadable };
    metrics::value("LedgerDiscrepancies", metrics::Unit::Count, (discrepancies + unreadable) as u64);
    ledger.post(&fees, &tick.event("ledger", 1, reconciled)).await?;
    Ok(summary)
}
