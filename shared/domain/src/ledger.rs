//! The double-entry ledger: every movement of money is a transfer between two accounts, so that the sum of all accounts is zero. It is
//! reconciled with the statement of the gateway.

use crate::{
    Money,
    id::{PaymentId, RefundId},
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

words! {
    /// An account of the ledger.
    pub enum Account {
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
    pub const fn accounts(self) -> (Account, Account) {
        match self {
            Self::Charge => (Account::Gateway, Account::Sales),
            Self::Refund => (Account::Sales, Account::Gateway),
            Self::Fee => (Account::Fees, Account::Gateway),
            Self::RefundReversal => (Account::Gateway, Account::Sales),
            Self::Dispute => (Account::Disputes, Account::Gateway),
            Self::DisputeFee => (Account::Fees, Account::Gateway),
            Self::DisputeReversal => (Account::Gateway, Account::Disputes),
            Self::DisputeFeeReversal => (Account::Gateway, Account::Fees),
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
    pub const fn entries(&self) -> [(Account, i64); 2] {
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

/// The gateway's list of charges, refunds and fees in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayStatement {
    pub transactions: Vec<GatewayTransaction>,
    /// The gateway's ids of transactions that could not be decoded; staff must check them.
    pub unreadable: Vec<String>,
}

/// How the ledger and the statement differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyKind {
    /// The gateway has the transaction and the ledger has not.
    MissingInLedger,
    /// The ledger has the transfer and the gateway has not.
    MissingAtGateway,
    /// The amounts differ.
    Amount,
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

/// The result of a reconciliation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    pub discrepancies: Vec<Discrepancy>,
    /// Fees to post.
    pub fees: Vec<Transfer>,
}

/// Compares the ledger with the statement of the gateway for the period `[from, to)`.
///
/// `transfers` must contain those from an hour before `from` until now, and `transactions` those of the gateway from a day before `from`
/// until now. A charge may be posted up to a day after the gateway made it, if its result had to be looked up; that is no discrepancy.
pub fn compare(
    transfers: &[Transfer],
    transactions: &[GatewayTransaction],
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Comparison {
    let mut comparison = Comparison::default();
    let is_in_period = |at: Timestamp| from <= at && at < to;
    let posted: HashMap<_, _> =
        transfers.iter().map(|one| ((one.purpose, one.reference.as_str()), one.amount)).collect();
    let stated: HashSet<_> = transactions.iter().map(|one| (one.purpose, one.reference.as_str())).collect();
    let posted_amount = |purpose, reference| posted.get(&(purpose, reference)).copied();
    for transaction in transactions.iter().filter(|transaction| is_in_period(transaction.at)) {
        let (purpose, reference) = (transaction.purpose, transaction.reference.as_str());
        let ledger_amount = posted_amount(purpose, reference);
        let kind = match ledger_amount {
            None => Some(DiscrepancyKind::MissingInLedger),
            Some(amount) if amount != transaction.amount => Some(DiscrepancyKind::Amount),
            Some(_) => None,
        };
        comparison.discrepancies.extend(kind.map(|kind| Discrepancy {
            kind,
            purpose,
            reference: reference.to_owned(),
            ledger_amount,
            gateway_amount: Some(transaction.amount),
        }));
        if transaction.fee.amount.get() > 0 && posted_amount(Purpose::Fee, reference).is_none() {
            comparison.fees.push(Transfer {
                purpose: Purpose::Fee,
                reference: reference.to_owned(),
                payment_id: transaction.payment_id,
                refund_id: None,
                amount: transaction.fee,
                at: now,
            });
        }
    }
    for transfer in transfers.iter().filter(|transfer| is_in_period(transfer.at) && transfer.purpose.is_compared()) {
        if !stated.contains(&(transfer.purpose, transfer.reference.as_str())) {
            comparison.discrepancies.push(Discrepancy {
                kind: DiscrepancyKind::MissingAtGateway,
                purpose: transfer.purpose,
                reference: transfer.reference.clone(),
                ledger_amount: Some(transfer.amount),
                gateway_amount: None,
            });
        }
    }
    comparison
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

    fn transaction(purpose: Purpose, reference: &str, minor: i64, fee: i64, second: i64) -> GatewayTransaction {
        let reference = reference.to_owned();
        GatewayTransaction { purpose, reference, payment_id: None, amount: usd(minor), fee: usd(fee), at: at(second) }
    }

    fn discrepancies(ours: &[Transfer], theirs: &[GatewayTransaction]) -> Vec<(DiscrepancyKind, String)> {
        let found = compare(ours, theirs, at(100), at(200), at(300)).discrepancies;
        found.into_iter().map(|one| (one.kind, one.reference)).collect()
    }

    #[test]
    fn accounts_and_purposes_have_one_word_each() {
        assert_eq!(Account::ALL.map(Account::name), ["gateway", "sales", "fees", "disputes"]);
        for account in Account::ALL {
            assert_eq!(Account::parse(account.name()), Some(account));
        }
        for purpose in Purpose::ALL {
            assert_eq!(serde_json::json!(purpose), purpose.name());
            assert_eq!(Purpose::parse(purpose.name()), Some(purpose));
        }
        assert_eq!((Account::parse("Sales"), Purpose::parse("")), (None, None));
    }

    #[test]
    fn sum_of_all_accounts_is_zero() {
        let transfers = Purpose::ALL.map(|purpose| transfer(purpose, "x", 1999, 0));
        assert_eq!(transfers.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
        let of = |wanted| -> i64 {
            transfers.iter().flat_map(Transfer::entries).filter(|(one, _)| *one == wanted).map(|(_, minor)| minor).sum()
        };
        // Every movement has one that reverses it, but the fee and the charge.
        assert_eq!((of(Account::Gateway), of(Account::Sales), of(Account::Fees)), (0, -1999, 1999));
    }

    #[test]
    fn missing_transactions_and_different_amounts_are_discrepancies() {
        let ours = [transfer(Purpose::Charge, "a", 5, 100), transfer(Purpose::Charge, "b", 5, 199)];
        let theirs = [transaction(Purpose::Charge, "b", 6, 0, 150), transaction(Purpose::Refund, "c", 1, 0, 150)];
        let expected = [
            (DiscrepancyKind::Amount, "b"),
            (DiscrepancyKind::MissingInLedger, "c"),
            (DiscrepancyKind::MissingAtGateway, "a"),
        ];
        assert_eq!(discrepancies(&ours, &theirs), expected.map(|(kind, reference)| (kind, reference.to_owned())));
    }

    #[test]
    fn charge_and_refund_with_the_same_reference_are_distinct() {
        let (ours, theirs) = ([transfer(Purpose::Charge, "a", 5, 100)], [transaction(Purpose::Refund, "a", 5, 0, 150)]);
        assert_eq!(discrepancies(&ours, &theirs).len(), 2);
    }

    #[test]
    fn transfer_posted_outside_the_period_is_no_discrepancy() {
        let ours = [transfer(Purpose::Charge, "a", 5, 200), transfer(Purpose::Charge, "b", 5, 100)];
        let theirs = [transaction(Purpose::Charge, "a", 5, 0, 199), transaction(Purpose::Charge, "b", 5, 0, 99)];
        assert_eq!(discrepancies(&ours, &theirs), vec![]);
        let outside = [transfer(Purpose::Charge, "c", 5, 99), transfer(Purpose::Charge, "d", 5, 200)];
        assert_eq!(discrepancies(&outside, &[]), vec![]);
    }

    #[test]
    fn fee_is_posted_once_and_is_no_discrepancy() {
        let theirs = [transaction(Purpose::Charge, "a", 500, 45, 150), transaction(Purpose::Charge, "b", 500, 0, 150)];
        let mut ours = vec![transfer(Purpose::Charge, "a", 500, 150), transfer(Purpose::Charge, "b", 500, 150)];
        let first = compare(&ours, &theirs, at(100), at(200), at(300));
        assert_eq!(first.fees, [transfer(Purpose::Fee, "a", 45, 300)]);
        ours.extend(first.fees);
        assert_eq!(compare(&ours, &theirs, at(100), at(200), at(301)), Comparison::default());
    }
}
