//! Reconciliation of the ledger with the gateway's: which period is compared, and what becomes of the result.

use crate::{
    event::LedgerReconciled,
    ledger::{self, Comparison, GatewayStatement, Transfer},
};
use kernel::{Failure, Timestamp, seconds_after};

const DAY_S: i64 = 24 * 3600;
/// Period that one run compares: three days and an hour. Runs overlap, so that a failed run or two lose no day; a transfer is posted
/// once, and a discrepancy is reported daily until it is resolved or three days old.
const SPAN_S: i64 = 3 * DAY_S + 3600;
/// Age of the newest transactions that are compared: younger ones may still be in progress.
const SETTLING_S: i64 = 1800;
/// How much earlier than the gateway, by its clock, we may have posted a transfer.
const CLOCK_MARGIN_S: i64 = 3600;

/// The period `[from, to)` that one run compares, and what it needs to read for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Start of the transfers to read.
    pub transfers_from: Timestamp,
    /// Start of the gateway's transactions to read: a charge may be posted up to a day after the gateway made it.
    pub transactions_from: Timestamp,
    /// End of both.
    pub until: Timestamp,
}

impl Period {
    /// The period that a run at `now` compares.
    pub fn before(now: Timestamp) -> Result<Self, Failure> {
        let (from, to) = (seconds_after(now, -SPAN_S - SETTLING_S)?, seconds_after(now, -SETTLING_S)?);
        Ok(Self {
            from,
            to,
            transfers_from: seconds_after(from, -CLOCK_MARGIN_S)?,
            transactions_from: seconds_after(from, -DAY_S)?,
            until: seconds_after(now, CLOCK_MARGIN_S)?,
        })
    }
}

/// Compares the ledger with the statement. Returns the fees to post, which only the gateway's own ledger has, and the event.
pub fn reconcile(
    Period { from, to, .. }: Period,
    transfers: &[Transfer],
    GatewayStatement { transactions, unreadable }: GatewayStatement,
    now: Timestamp,
) -> (Vec<Transfer>, LedgerReconciled) {
    let Comparison { fees, discrepancies } = ledger::compare(transfers, &transactions, from, to, now);
    let compared = transactions.iter().filter(|transaction| from <= transaction.at && transaction.at < to).count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let event =
        LedgerReconciled { from, to, compared: count(compared), fees: count(fees.len()), discrepancies, unreadable };
    (fees, event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Money,
        ledger::{DiscrepancyKind, GatewayTransaction, Purpose},
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn period_ends_half_an_hour_ago_and_overlaps_the_run_of_the_day_before() {
        let period = Period::before(at(1_000_000)).expect("valid");
        assert_eq!((period.from, period.to), (at(735_400), at(998_200)));
        assert_eq!((period.transfers_from, period.transactions_from), (at(731_800), at(649_000)));
        assert_eq!(period.until, at(1_003_600));
    }

    #[test]
    fn transactions_of_the_period_are_counted_and_their_fees_posted() {
        let (now, usd) = (at(1_000_000), |minor| Money::new(minor, "USD").expect("valid"));
        let period = Period::before(now).expect("valid");
        let transaction = |reference: &str, at| GatewayTransaction {
            purpose: Purpose::Charge,
            reference: reference.to_owned(),
            payment_id: None,
            amount: usd(500),
            fee: usd(45),
            at,
        };
        let transactions = vec![transaction("a", period.from), transaction("b", period.to)];
        let statement = GatewayStatement { transactions, unreadable: vec!["txn_1".to_owned()] };
        let (fees, event) = reconcile(period, &[], statement, now);
        assert_eq!(fees.iter().map(|fee| (fee.reference.as_str(), fee.amount)).collect::<Vec<_>>(), [("a", usd(45))]);
        assert_eq!((event.from, event.to, event.compared, event.fees), (period.from, period.to, 1, 1));
        let kinds: Vec<_> = event.discrepancies.iter().map(|one| (one.kind, one.reference.as_str())).collect();
        assert_eq!(kinds, [(DiscrepancyKind::MissingInLedger, "a")]);
        assert_eq!(event.unreadable, ["txn_1"]);
    }
}
