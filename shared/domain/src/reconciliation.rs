//! Reconciliation of the ledger with the gateway's, in steps of a page: which comes next, and how its result is handled.
//!
//! The statement of the gateway is read once, page by page, and stored. Once a day what was stored is compared with what was posted, also page
//! by page. [`ReconciliationProgress`] says how far this is; it is committed with the results of each step, so that a run that ends continues in the
//! next one, and of two runs at once only one takes a step.

use crate::{
    event::LedgerReconciled,
    ledger::{self, ComparisonResult, Discrepancy, GatewayTransaction, PostedLine, PurposeTotal, StatedLine, Transfer},
};
use kernel::{Failure, Timestamp, seconds_after};
use serde::{Deserialize, Serialize};
use std::ops::Range;

const DAY_S: i64 = 24 * 3600;
/// Period that is compared each day: three days and an hour. A transfer is posted once, and a discrepancy is reported daily until it is
/// resolved or three days old.
pub const SPAN_S: i64 = 3 * DAY_S + 3600;
/// Age up to which days are compared that were not compared in time: the statement is kept for a day longer.
const MAX_BEHIND_S: i64 = 7 * DAY_S;
/// Age of the newest transactions that are read: younger ones may still be in progress.
const STATEMENT_DELAY_S: i64 = 1800;
/// How much earlier than the gateway, by its clock, we may have posted a transfer.
pub const CLOCK_MARGIN_S: i64 = 3600;
/// Period of the statement that is read at a time. Its pages are read again from the start if the gateway forgets where one began.
const WINDOW_S: i64 = 3600;
/// Lines of one step of a comparison.
pub const PAGE: u32 = 500;
/// Discrepancies of one event, and unreadable transactions. An event of these has 40 KiB at most, and the bus takes 256.
const MAX_REPORTED: usize = 100;

/// How far reading and comparing are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationProgress {
    /// Transactions of the gateway before this are stored.
    pub read_until: Option<Timestamp>,
    /// The page of the statement that is read next, unless it is the first of a window.
    pub reading: Option<StatementPage>,
    /// The comparison that is in progress.
    pub comparison: Option<ComparisonProgress>,
    /// When the last comparison began.
    pub compared_at: Option<Timestamp>,
    /// End of the period of the last comparison. A stored progress is compared member by member, and older ones do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_until: Option<Timestamp>,
}

impl ReconciliationProgress {
    /// Until when everything was compared; `None` before the first comparison.
    fn compared_until(&self) -> Result<Option<Timestamp>, Failure> {
        match (self.compared_until, self.compared_at) {
            (None, Some(begun)) => Ok(Some(comparable(seconds_after(begun, -STATEMENT_DELAY_S)?)?.end)),
            (until, _) => Ok(until),
        }
    }
}

/// A page of the statement for a window that ends at `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    pub to: Timestamp,
    /// The gateway's cursor.
    pub after: String,
}

/// How far a comparison of the period `[from, to)` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonProgress {
    pub from: Timestamp,
    pub to: Timestamp,
    pub side: ComparedSource,
    /// The last line that was compared.
    pub after: Option<LinePosition>,
    /// Events of this comparison.
    pub pages: u32,
    /// Transactions that were compared.
    pub compared: u32,
    /// Fees that were posted.
    pub fees: u32,
}

/// What is read to be compared with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComparedSource {
    Statement,
    Ledger,
}

/// Position in a list of transactions or transfers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePosition {
    pub at: Timestamp,
    /// The word of a [`Purpose`](ledger::Purpose), or one that this version does not know.
    pub purpose: String,
    pub reference: String,
}

/// Lines of a page of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines<T> {
    /// Those that can be decoded.
    pub lines: Vec<T>,
    /// The last line, also if it cannot be decoded; `None` for the last page.
    pub next: Option<LinePosition>,
}

/// What was posted in a period, and how the ledger and the statement of the gateway differ now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By purpose and currency.
    pub totals: Vec<PurposeTotal>,
    pub progress: ReconciliationProgress,
    /// Those in the period that is [`comparable`] now, by reference.
    pub discrepancies: Vec<Discrepancy>,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read a page of the statement for `[from, to)`, the first or the one after a cursor.
    Read { from: Timestamp, to: Timestamp, after: Option<String> },
    /// Compare the next lines.
    Compare(ComparisonProgress),
}

/// The result of a step, to be committed as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepResult {
    pub progress: ReconciliationProgress,
    pub transactions: Vec<GatewayTransaction>,
    pub fees: Vec<Transfer>,
    pub reports: Vec<LedgerReconciled>,
}

/// The next step at `now`; `None` if there is nothing to do until later. A comparison that has begun is finished first, and begins only
/// once everything is read. It covers the last three days, or those that no comparison has reached.
pub fn next_step(progress: &ReconciliationProgress, now: Timestamp) -> Result<Option<Step>, Failure> {
    if let Some(comparison) = &progress.comparison {
        return Ok(Some(Step::Compare(comparison.clone())));
    }
    let settled = seconds_after(now, -STATEMENT_DELAY_S)?;
    // A transfer may be posted up to a day after the gateway made the charge.
    let from = progress.read_until.map_or_else(|| seconds_after(settled, -SPAN_S - DAY_S), Ok)?;
    if let Some(StatementPage { to, after }) = &progress.reading {
        return Ok(Some(Step::Read { from, to: *to, after: Some(after.clone()) }));
    }
    if from < settled {
        return Ok(Some(Step::Read { from, to: settled.min(seconds_after(from, WINDOW_S)?), after: None }));
    }
    let is_next_day = match progress.compared_at {
        Some(at) => seconds_after(at, DAY_S)? <= now,
        None => true,
    };
    let Range { start, end } = comparable(settled)?;
    let (from, to, is_due) = match progress.compared_until()? {
        // No comparison has begun for days: those before are compared first, as many at a time as each day.
        Some(until) if until < start => {
            let from = until.max(seconds_after(settled, -MAX_BEHIND_S)?);
            (from, end.min(seconds_after(from, SPAN_S)?), true)
        }
        _ => (start, end, is_next_day),
    };
    let comparison =
        ComparisonProgress { from, to, side: ComparedSource::Statement, after: None, pages: 0, compared: 0, fees: 0 };
    Ok(is_due.then_some(Step::Compare(comparison)))
}

/// The period that can be compared when the statement is read until `read_until`.
pub fn comparable(read_until: Timestamp) -> Result<Range<Timestamp>, Failure> {
    Ok(seconds_after(read_until, -SPAN_S)?..seconds_after(read_until, -CLOCK_MARGIN_S)?)
}

/// The result of reading a page of the window `[from, to)`.
pub fn read(
    progress: &ReconciliationProgress,
    (from, to): (Timestamp, Timestamp),
    ledger::GatewayStatement { transactions, unreadable, next }: ledger::GatewayStatement,
) -> StepResult {
    let is_last = next.is_none();
    let reading = next.map(|after| StatementPage { to, after });
    let read_until = if is_last { Some(to) } else { Some(from) };
    let report = |unreadable: &[String]| LedgerReconciled {
        from,
        to,
        page: 0,
        is_last: false,
        compared: 0,
        fees: 0,
        discrepancies: vec![],
        unreadable: unreadable.to_vec(),
    };
    let reports = unreadable.chunks(MAX_REPORTED).map(report).collect();
    let progress = ReconciliationProgress { read_until, reading, ..progress.clone() };
    StepResult { progress, transactions, fees: vec![], reports }
}

/// The result of comparing a page of the statement with what is posted.
pub fn compare_statement(
    progress: &ReconciliationProgress,
    comparison: &ComparisonProgress,
    Lines { lines, next }: &Lines<StatedLine>,
    now: Timestamp,
) -> StepResult {
    let mut comparison = comparison.clone();
    let ComparisonResult { discrepancies, fees } = ledger::compare_statement(lines, now);
    comparison.compared = comparison.compared.saturating_add(small(lines.len()));
    comparison.fees = comparison.fees.saturating_add(small(fees.len()));
    comparison.after.clone_from(next);
    if next.is_none() {
        comparison.side = ComparedSource::Ledger;
    }
    let reports = reports(&mut comparison, discrepancies, false);
    let compared_at = if progress.comparison.is_none() { Some(now) } else { progress.compared_at };
    let progress = ReconciliationProgress { comparison: Some(comparison), compared_at, ..progress.clone() };
    StepResult { progress, fees, reports, transactions: vec![] }
}

/// The result of comparing a page of the ledger with what is stated. The last one ends the comparison, and is reported in any case.
pub fn compare_ledger(
    progress: &ReconciliationProgress,
    comparison: &ComparisonProgress,
    Lines { lines, next }: &Lines<PostedLine>,
) -> StepResult {
    let mut comparison = comparison.clone();
    let is_last = next.is_none();
    comparison.after.clone_from(next);
    let reports = reports(&mut comparison, ledger::compare_ledger(lines), is_last);
    let compared_until = if is_last { Some(comparison.to) } else { progress.compared_until };
    let progress =
        ReconciliationProgress { comparison: (!is_last).then_some(comparison), compared_until, ..progress.clone() };
    StepResult { progress, reports, ..StepResult::default() }
}

/// Discrepancies in as many reports as they need; the last page of a comparison also without any.
fn reports(
    comparison: &mut ComparisonProgress,
    discrepancies: Vec<Discrepancy>,
    is_last: bool,
) -> Vec<LedgerReconciled> {
    let mut pages: Vec<Vec<Discrepancy>> = discrepancies.chunks(MAX_REPORTED).map(<[_]>::to_vec).collect();
    if is_last && pages.is_empty() {
        pages.push(vec![]);
    }
    let count = pages.len();
    let report = |(n, discrepancies)| {
        comparison.pages += 1;
        LedgerReconciled {
            from: comparison.from,
            to: comparison.to,
            page: comparison.pages,
            is_last: is_last && n + 1 == count,
            compared: comparison.compared,
            fees: comparison.fees,
            discrepancies,
            unreadable: vec![],
        }
    };
    pages.into_iter().enumerate().map(report).collect()
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
