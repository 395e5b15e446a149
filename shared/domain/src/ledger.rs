//! The double-entry ledger: every movement of money is a transfer between two accounts, so that the sum of all accounts is zero. It is
//! reconciled with the statement of the gateway.

use crate::{
    Money,
    id::{PaymentId, RefundId},
    money::Currency,
};
use kernel::{Failure, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// An account of the ledger.
    pub enum LedgerAccount {
        /// The merchant's balance at the gateway: an asset, increased by debits.
        Gateway,
        /// Sales less refunds: an income, increased by credits.
        Sales,
        /// The gateway's fees: an expense, increased by debits.
        Fees,
        /// What is withdrawn because of disputes: returned when they are won, and an expense when they are lost.
        Disputes,
    }

    /// Why money was transferred.
    pub enum Purpose {
        /// A customer paid.
        Charge,
        /// A customer was refunded.
        Refund,
        /// The gateway deducted its fee.
        Fee,
        /// A refund failed after it had succeeded: the money is back.
        RefundReversal,
        /// The gateway withdrew a disputed amount.
        Dispute,
        /// The gateway deducted its fee for a dispute.
        DisputeFee,
        /// A dispute was won: the amount is back.
        DisputeReversal,
        /// The gateway returned its fee for a dispute.
        DisputeFeeReversal,
    }
}

impl Purpose {
    /// The debited and the credited account.
    pub const fn accounts(self) -> (LedgerAccount, LedgerAccount) {
        match self {
            Self::Charge => (LedgerAccount::Gateway, LedgerAccount::Sales),
            Self::Refund => (LedgerAccount::Sales, LedgerAccount::Gateway),
            Self::Fee => (LedgerAccount::Fees, LedgerAccount::Gateway),
            Self::RefundReversal => (LedgerAccount::Gateway, LedgerAccount::Sales),
            Self::Dispute => (LedgerAccount::Disputes, LedgerAccount::Gateway),
            Self::DisputeFee => (LedgerAccount::Fees, LedgerAccount::Gateway),
            Self::DisputeReversal => (LedgerAccount::Gateway, LedgerAccount::Disputes),
            Self::DisputeFeeReversal => (LedgerAccount::Gateway, LedgerAccount::Fees),
        }
    }

    /// Whether the statement of the gateway lists it by the same id. Fees are part of other transactions, and disputes have several
    /// transactions each, which the dispute itself states.
    pub const fn is_compared(self) -> bool {
        matches!(self, Self::Charge | Self::Refund | Self::RefundReversal)
    }
}

/// A transfer: debits one account and credits another with the same amount. Posted once and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub purpose: Purpose,
    /// The gateway's id of the charge, refund or dispute. Unique together with the purpose, so that nothing is posted twice.
    pub reference: String,
    /// `None` if the gateway does not name the payment.
    pub payment_id: Option<PaymentId>,
    pub refund_id: Option<RefundId>,
    pub amount: Money,
    /// When the transfer was posted.
    pub at: Timestamp,
}

impl Transfer {
    /// The change of each account in minor units: positive for the debit, negative for the credit.
    pub const fn entries(&self) -> [(LedgerAccount, i64); 2] {
        let (debit, credit) = self.purpose.accounts();
        [(debit, self.amount.amount.get()), (credit, -self.amount.amount.get())]
    }
}

/// A charge or refund in the statement of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayTransaction {
    /// Not `Fee`.
    pub purpose: Purpose,
    /// The gateway's id.
    pub reference: String,
    /// `None` if the gateway does not name the payment.
    pub payment_id: Option<PaymentId>,
    pub amount: Money,
    pub fee: Money,
    pub at: Timestamp,
}

/// A page of the gateway's list of charges, refunds and fees in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayStatement {
    pub transactions: Vec<GatewayTransaction>,
    /// The gateway's ids of transactions that could not be decoded; staff must check them.
    pub unreadable: Vec<String>,
    /// The gateway's cursor to the next page; `None` after the last one.
    pub next: Option<String>,
}

/// A transaction of the statement with what the ledger has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedLine {
    pub transaction: GatewayTransaction,
    /// The amount that is posted; `None` if the ledger does not have it.
    pub posted: Option<Money>,
    /// Whether its fee is posted.
    pub has_fee: bool,
}

/// A transfer of the ledger, and whether the statement has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedLine {
    pub transfer: Transfer,
    pub is_stated: bool,
}

words! {
    /// How the ledger and the statement differ.
    pub enum DiscrepancyKind {
        /// The gateway has the transaction and the ledger has not.
        MissingInLedger,
        /// The ledger has the transfer and the gateway has not.
        MissingAtGateway,
        /// The amounts differ.
        Amount,
    }
}

/// A difference between the ledger and the statement of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Discrepancy {
    pub kind: DiscrepancyKind,
    pub purpose: Purpose,
    /// The gateway's id.
    pub reference: String,
    /// Amount in the ledger; null if missing.
    pub ledger_amount: Option<Money>,
    /// Amount at the gateway; null if missing.
    pub gateway_amount: Option<Money>,
}

impl Discrepancy {
    /// How the two differ in a transaction; `None` if they agree.
    pub fn between(
        purpose: Purpose,
        reference: &str,
        ledger_amount: Option<Money>,
        gateway_amount: Option<Money>,
    ) -> Option<Self> {
        let kind = match (ledger_amount, gateway_amount) {
            (None, Some(_)) => DiscrepancyKind::MissingInLedger,
            (Some(_), None) => DiscrepancyKind::MissingAtGateway,
            (ledger, gateway) if ledger != gateway => DiscrepancyKind::Amount,
            _ => return None,
        };
        Some(Self { kind, purpose, reference: reference.to_owned(), ledger_amount, gateway_amount })
    }
}

/// The transfers of a period with one purpose and currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PurposeTotal {
    pub purpose: Purpose,
    pub currency: Currency,
    pub transfers: u64,
    /// Sum of their amounts in minor units.
    pub amount: i64,
}

/// The changes of an account in a period, in minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountTotal {
    pub account: LedgerAccount,
    pub currency: Currency,
    pub debits: i64,
    pub credits: i64,
}

/// The changes of the accounts, by account and currency. Debits and credits of a currency have the same sum.
pub fn by_account(totals: &[PurposeTotal]) -> Result<Vec<AccountTotal>, Failure> {
    let add =
        |sum: i64, more| sum.checked_add(more).ok_or_else(|| Failure::internal("the sum of an account is too large"));
    let mut accounts = BTreeMap::new();
    for &PurposeTotal { purpose, currency, amount, .. } in totals {
        let (debit, credit) = purpose.accounts();
        for (account, debits, credits) in [(debit, amount, 0), (credit, 0, amount)] {
            let total = accounts.entry((account.name(), currency.code()));
            let total = total.or_insert(AccountTotal { account, currency, debits: 0, credits: 0 });
            (total.debits, total.credits) = (add(total.debits, debits)?, add(total.credits, credits)?);
        }
    }
    Ok(accounts.into_values().collect())
}

/// The result of comparing a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComparisonResult {
    pub discrepancies: Vec<Discrepancy>,
    pub fees: Vec<Transfer>,
}

/// Compares transactions of the statement with the ledger. The fee of one that is posted is posted as well; one that is not may be somebody
/// else's, who uses the same account of the gateway.
pub fn compare_statement(lines: &[StatedLine], now: Timestamp) -> ComparisonResult {
    let mut comparison = ComparisonResult::default();
    for StatedLine { transaction, posted, has_fee } in lines {
        comparison.discrepancies.extend(Discrepancy::between(
            transaction.purpose,
            &transaction.reference,
            *posted,
            Some(transaction.amount),
        ));
        if posted.is_some() && !has_fee && transaction.fee.amount.get() > 0 {
            comparison.fees.push(Transfer {
                purpose: Purpose::Fee,
                reference: transaction.reference.clone(),
                payment_id: transaction.payment_id,
                refund_id: None,
                amount: transaction.fee,
                at: now,
            });
        }
    }
    comparison
}

/// The transfers that the statement does not have. Those that it never lists are left out.
pub fn compare_ledger(lines: &[PostedLine]) -> Vec<Discrepancy> {
    let missing = lines.iter().filter(|line| !line.is_stated && line.transfer.purpose.is_compared());
    let discrepancy = |PostedLine { transfer, .. }: &PostedLine| {
        Discrepancy::between(transfer.purpose, &transfer.reference, Some(transfer.amount), None)
    };
    missing.filter_map(discrepancy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    fn transfer(purpose: Purpose, reference: &str, minor: i64, second: i64) -> Transfer {
        let (reference, amount) = (reference.to_owned(), usd(minor));
        Transfer { purpose, reference, payment_id: None, refund_id: None, amount, at: at(second) }
    }

    fn stated(purpose: Purpose, reference: &str, minor: i64, fee: i64, posted: Option<i64>) -> StatedLine {
        let reference = reference.to_owned();
        let transaction =
            GatewayTransaction { purpose, reference, payment_id: None, amount: usd(minor), fee: usd(fee), at: at(150) };
        StatedLine { transaction, posted: posted.map(usd), has_fee: false }
    }

    #[test]
    fn accounts_and_purposes_have_one_word_each() {
        assert_eq!(LedgerAccount::ALL.map(LedgerAccount::name), ["gateway", "sales", "fees", "disputes"]);
        for account in LedgerAccount::ALL {
            assert_eq!(LedgerAccount::parse(account.name()), Some(account));
        }
        for purpose in Purpose::ALL {
            assert_eq!(serde_json::json!(purpose), purpose.name());
            assert_eq!(Purpose::parse(purpose.name()), Some(purpose));
        }
        assert_eq!((LedgerAccount::parse("Sales"), Purpose::parse("")), (None, None));
    }

    #[test]
    fn sum_of_all_accounts_is_zero() {
        let transfers = Purpose::ALL.map(|purpose| transfer(purpose, "x", 1999, 0));
        assert_eq!(transfers.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
        let of = |wanted| -> i64 {
            transfers.iter().flat_map(Transfer::entries).filter(|(one, _)| *one == wanted).map(|(_, minor)| minor).sum()
        };
        // Every movement has one that reverses it, but the fee and the charge.
        assert_eq!((of(LedgerAccount::Gateway), of(LedgerAccount::Sales), of(LedgerAccount::Fees)), (0, -1999, 1999));
    }

    #[test]
    fn accounts_add_up_the_transfers_of_their_purposes_by_currency() {
        let total = |purpose, currency, amount| {
            let currency = Currency::parse(currency).expect("a currency");
            PurposeTotal { purpose, currency, transfers: 2, amount }
        };
        let totals =
            [total(Purpose::Charge, "USD", 900), total(Purpose::Charge, "EUR", 70), total(Purpose::Refund, "USD", 200)];
        let accounts = by_account(&totals).expect("small sums");
        let found: Vec<_> =
            accounts.iter().map(|one| (one.account, one.currency.code(), one.debits, one.credits)).collect();
        let expected = [
            (LedgerAccount::Gateway, "EUR", 70, 0),
            (LedgerAccount::Gateway, "USD", 900, 200),
            (LedgerAccount::Sales, "EUR", 0, 70),
            (LedgerAccount::Sales, "USD", 200, 900),
        ];
        assert_eq!(found, expected);
        let most = [total(Purpose::Charge, "USD", i64::MAX), total(Purpose::RefundReversal, "USD", 1)];
        assert!(by_account(&most).is_err(), "no sum wraps around");
    }

    #[test]
    fn missing_transactions_and_different_amounts_are_discrepancies() {
        let lines = [
            stated(Purpose::Charge, "a", 5, 0, Some(5)),
            stated(Purpose::Charge, "b", 6, 0, Some(5)),
            stated(Purpose::Refund, "c", 1, 0, None),
        ];
        let found = compare_statement(&lines, at(300)).discrepancies;
        let found: Vec<_> = found.iter().map(|one| (one.kind, one.reference.as_str())).collect();
        assert_eq!(found, [(DiscrepancyKind::Amount, "b"), (DiscrepancyKind::MissingInLedger, "c")]);
    }

    #[test]
    fn transfer_that_is_not_stated_is_a_discrepancy_unless_it_never_is() {
        let line =
            |purpose, reference, is_stated| PostedLine { transfer: transfer(purpose, reference, 5, 100), is_stated };
        let lines = [
            line(Purpose::Charge, "a", true),
            line(Purpose::Charge, "b", false),
            line(Purpose::Fee, "b", false),
            line(Purpose::Dispute, "c", false),
        ];
        let found = compare_ledger(&lines);
        let found: Vec<_> = found.iter().map(|one| (one.kind, one.purpose, one.reference.as_str())).collect();
        assert_eq!(found, [(DiscrepancyKind::MissingAtGateway, Purpose::Charge, "b")]);
    }

    #[test]
    fn fee_is_posted_once_and_only_for_what_is_ours() {
        let ours = stated(Purpose::Charge, "a", 500, 45, Some(500));
        let (free, foreign) =
            (stated(Purpose::Charge, "b", 500, 0, Some(500)), stated(Purpose::Charge, "c", 500, 45, None));
        let first = compare_statement(&[ours.clone(), free, foreign], at(300));
        assert_eq!(first.fees, [transfer(Purpose::Fee, "a", 45, 300)]);
        let again = compare_statement(&[StatedLine { has_fee: true, ..ours }], at(301));
        assert_eq!(again, ComparisonResult::default());
    }
}
