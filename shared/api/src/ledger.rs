//! The ledger.

use crate::{SumView, rfc3339};
use domain::{
    ledger::{self, AccountTotal, Discrepancy, LedgerAccount, Purpose, PurposeTotal},
    money::Currency,
    reconciliation::Report,
};
use kernel::{Failure, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;

/// What was posted to the ledger in a period, and how it differs from the statement of the gateway now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LedgerView {
    /// Start, inclusive.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// End, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
    /// Changes of the accounts, by account and currency. In each currency the debits and the credits have the same sum.
    pub accounts: Vec<AccountTotalView>,
    /// Transfers by purpose and currency.
    pub transfers: Vec<TransferTotalView>,
    /// Until when the statement of the gateway was read; null before the first time.
    #[schemars(extend("format" = "date-time"))]
    pub read_until: Option<String>,
    /// When the last daily comparison began; null before the first one.
    #[schemars(extend("format" = "date-time"))]
    pub compared_at: Option<String>,
    /// Differences in the last three days that are read, an hour's margin left out, whatever the period; a hundred at most. A transaction
    /// that is missing in the ledger may be somebody else's, who uses the same account of the gateway.
    pub discrepancies: Vec<Discrepancy>,
}

/// The changes of an account in a currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AccountTotalView {
    /// The account.
    pub account: LedgerAccount,
    /// Sum of the debits.
    pub debits: SumView,
    /// Sum of the credits.
    pub credits: SumView,
}

/// Transfers with one purpose and currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TransferTotalView {
    /// Why money was transferred.
    pub purpose: Purpose,
    /// Number of transfers.
    pub count: u64,
    /// Sum of their amounts.
    pub amount: SumView,
}

impl LedgerView {
    /// The report of a period. Fails if a sum is too large.
    pub fn new(period: &Range<Timestamp>, report: &Report) -> Result<Self, Failure> {
        let accounts = ledger::by_account(&report.totals)?;
        Ok(Self {
            from: rfc3339(period.start),
            to: rfc3339(period.end),
            accounts: accounts.iter().map(AccountTotalView::from).collect(),
            transfers: report.totals.iter().map(TransferTotalView::from).collect(),
            read_until: report.progress.read_until.map(rfc3339),
            compared_at: report.progress.compared_at.map(rfc3339),
            discrepancies: report.discrepancies.clone(),
        })
    }
}

impl From<&AccountTotal> for AccountTotalView {
    fn from(total: &AccountTotal) -> Self {
        let sum = |amount| sum(amount, total.currency);
        Self { account: total.account, debits: sum(total.debits), credits: sum(total.credits) }
    }
}

impl From<&PurposeTotal> for TransferTotalView {
    fn from(total: &PurposeTotal) -> Self {
        Self { purpose: total.purpose, count: total.transfers, amount: sum(total.amount, total.currency) }
    }
}

fn sum(amount: i64, currency: Currency) -> SumView {
    SumView { amount, currency: currency.code().to_owned() }
}
