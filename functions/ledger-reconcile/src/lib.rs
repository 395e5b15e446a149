//! Reads the statement of the gateway and compares the ledger with it, once a day: the charges and refunds of the last days, to the cent.
//!
//! A run works page by page until its time is over, and the next one, five minutes after it began, continues. Of two runs at once, one takes a
//! step and the other ends. The gateway reports its fees only in its own ledger, so the comparison posts them. Discrepancies are published as
//! events, a hundred in each, and counted as a metric.

use domain::reconciliation::{self, ComparedSource, PAGE, ReconciliationProgress, Step, StepResult};
use edge::{schedule::Tick, telemetry::metrics};
use kernel::Failure;
use ports::{Gateway, Ledger};
use serde::Serialize;
use std::time::Duration;

/// Stop this long before the deadline: a step may wait for the gateway, and the duration of a run with much to do is no
/// alarm.
const TIME_RESERVE: Duration = Duration::from_secs(90);

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Steps that were taken.
    pub steps: u32,
    /// Transactions of the gateway that were read.
    pub read: usize,
    /// Fees that were posted.
    pub fees: usize,
    pub discrepancies: usize,
    /// Transactions of the gateway that could not be decoded.
    pub unreadable: usize,
}

/// Takes steps until there is none, or another run takes them.
pub async fn handle(ledger: &impl Ledger, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    while !tick.has_less_than(TIME_RESERVE) {
        let progress = ledger.progress().await?;
        let Some(step) = reconciliation::next_step(&progress, tick.now)? else { break };
        let outcome = take(ledger, gateway, &progress, step, &tick).await?;
        let events: Vec<_> = outcome.reports.iter().map(|report| tick.event("ledger", 1, report.clone())).collect();
        if !ledger.advance(&progress, &outcome, &events).await? {
            break;
        }
        summary.steps += 1;
        summary.read += outcome.transactions.len();
        summary.fees += outcome.fees.len();
        summary.discrepancies += outcome.reports.iter().map(|report| report.discrepancies.len()).sum::<usize>();
        summary.unreadable += outcome.reports.iter().map(|report| report.unreadable.len()).sum::<usize>();
    }
    let found = u64::try_from(summary.discrepancies + summary.unreadable).unwrap_or(u64::MAX);
    metrics::value("LedgerDiscrepancies", metrics::Unit::Count, found);
    Ok(summary)
}

async fn take(
    ledger: &impl Ledger,
    gateway: &impl Gateway,
    progress: &ReconciliationProgress,
    step: Step,
    tick: &Tick,
) -> Result<StepResult, Failure> {
    Ok(match step {
        Step::Read { from, to, after } => {
            let page = gateway.balance_transactions(from, to, after.as_deref()).await?;
            reconciliation::read(progress, (from, to), page)
        }
        Step::Compare(comparison) => match comparison.side {
            ComparedSource::Statement => {
                let lines = ledger.stated(&comparison, PAGE).await?;
                reconciliation::compare_statement(progress, &comparison, &lines, tick.now)
            }
            ComparedSource::Ledger => {
                reconciliation::compare_ledger(progress, &comparison, &ledger.posted(&comparison, PAGE).await?)
            }
        },
    })
}
