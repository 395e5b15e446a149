//! The ledger: every movement of money as a transfer from one account to another, so that the sum of all accounts is zero at all
//! times, and its comparison with the gateway's own.

use crate::{
    Money,
    id::{PaymentId, RefundId},
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Where money is, or what it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Ours, at the gateway (an asset: debits add to it).
    Gateway,
    /// What was sold, less what was given back (an income: credits add to it).
    Sales,
    /// What the gateway keeps (an expense: debits add to it).
    Fees,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Sales, Self::Fees];

    /// The word of the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Sales => "sales",
            Self::Fees => "fees",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.name() == name)
    }
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A customer paid.
    Charge,
    /// A customer got money back.
    Refund,
    /// The gateway kept its share.
    Fee,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Charge, Self::Refund, Self::Fee];

    /// The word of the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Fee => "fee",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// The account that is debited and the one that is credited.
    pub const fn accounts(self) -> (Account, Account) {
        match self {
            Self::Charge => (Account::Gateway, Account::Sales),
            Self::Refund => (Account::Sales, Account::Gateway),
            Self::Fee => (Account::Fees, Account::Gateway),
        }
    }
}

/// One movement: debits one account and credits another with the same amount. Kept once, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Why.
    pub purpose: Purpose,
    /// The gateway's name for it: of the charge, or of the refund. With the purpose it is unique: nothing is booked twice.
    pub reference: String,
    /// Of which payment, where that is known.
    pub payment_id: Option<PaymentId>,
    /// Of which refund, if it is one.
    pub refund_id: Option<RefundId>,
    /// How much.
    pub amount: Money,
    /// When it was booked.
    pub at: Timestamp,
}

impl Transfer {
    /// What it adds to each account it touches: debits count up, credits down. Their sum is zero.
    pub const fn entries(&self) -> [(Account, i64); 2] {
        let (debit, credit) = self.purpose.accounts();
        [(debit, self.amount.amount.get()), (credit, -self.amount.amount.get())]
    }
}

/// A charge or a refund as the gateway's own ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayTransaction {
    /// Charge or refund.
    pub purpose: Purpose,
    /// The gateway's name for it.
    pub reference: String,
    /// Of which payment of ours, if it says so.
    pub payment_id: Option<PaymentId>,
    /// How much.
    pub amount: Money,
    /// What the gateway kept of it.
    pub fee: Money,
    /// When.
    pub at: Timestamp,
}

/// What the gateway's own ledger says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayStatement {
    /// Charges and refunds.
    pub transactions: Vec<GatewayTransaction>,
    /// The gateway's names for what could not be read: a person has to.
    pub unreadable: Vec<String>,
}

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyKind {
    /// The gateway has it and we do not.
    MissingInLedger,
    /// We have it and the gateway does not.
    MissingAtGateway,
    /// Both have it, with different amounts.
    Amount,
}

/// Something on which the two ledgers do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Discrepancy {
    /// Which kind.
    pub kind: DiscrepancyKind,
    /// Of what.
    pub purpose: Purpose,
    /// The gateway's name for it.
    pub reference: String,
    /// How much it is here.
    pub ours: Option<Money>,
    /// How much it is there.
    pub theirs: Option<Money>,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What does not agree.
    pub differences: Vec<Discrepancy>,
    /// Fees that are not booked yet.
    pub fees: Vec<Transfer>,
}

/// Compares what both say of `[from, to)`.
///
/// `ours` holds what was booked from an hour before `from` until now, and `theirs` what was made from a day before `from` until now: a
/// charge shortly before midnight may be booked after it, by as much as a day where the answer had to be looked up, and is no difference.
pub fn compare(
    ours: &[Transfer],
    theirs: &[GatewayTransaction],
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Comparison {
    let mut comparison = Comparison::default();
    let within = |at: Timestamp| from <= at && at < to;
    let booked: HashMap<_, _> = ours.iter().map(|one| ((one.purpose, one.reference.as_str()), one.amount)).collect();
    let made: HashSet<_> = theirs.iter().map(|one| (one.purpose, one.reference.as_str())).collect();
    let here = |purpose, reference| booked.get(&(purpose, reference)).copied();
    for movement in theirs.iter().filter(|movement| within(movement.at)) {
        let (purpose, reference) = (movement.purpose, movement.reference.as_str());
        let booked = here(purpose, reference);
        let kind = match booked {
            None => Some(DiscrepancyKind::MissingInLedger),
            Some(amount) if amount != movement.amount => Some(DiscrepancyKind::Amount),
            Some(_) => None,
        };
        comparison.differences.extend(kind.map(|kind| Discrepancy {
            kind,
            purpose,
            reference: reference.to_owned(),
            ours: booked,
            theirs: Some(movement.amount),
        }));
        if movement.fee.amount.get() > 0 && here(Purpose::Fee, reference).is_none() {
            comparison.fees.push(Transfer {
                purpose: Purpose::Fee,
                reference: reference.to_owned(),
                payment_id: movement.payment_id,
                refund_id: None,
                amount: movement.fee,
                at: now,
            });
        }
    }
    for transfer in ours.iter().filter(|transfer| within(transfer.at) && transfer.purpose != Purpose::Fee) {
        if !made.contains(&(transfer.purpose, transfer.reference.as_str())) {
            comparison.differences.push(Discrepancy {
                kind: DiscrepancyKind::MissingAtGateway,
                purpose: transfer.purpose,
                reference: transfer.reference.clone(),
                ours: Some(transfer.amount),
                theirs: None,
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

    fn movement(purpose: Purpose, reference: &str, minor: i64, fee: i64, second: i64) -> GatewayTransaction {
        let reference = reference.to_owned();
        GatewayTransaction { purpose, reference, payment_id: None, amount: usd(minor), fee: usd(fee), at: at(second) }
    }

    fn said(ours: &[Transfer], theirs: &[GatewayTransaction]) -> Vec<(DiscrepancyKind, String)> {
        let differences = compare(ours, theirs, at(100), at(200), at(300)).differences;
        differences.into_iter().map(|one| (one.kind, one.reference)).collect()
    }

    #[test]
    fn accounts_and_purposes_have_one_word_in_the_database() {
        assert_eq!(Account::ALL.map(Account::name), ["gateway", "sales", "fees"]);
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
    fn whatever_is_booked_the_sum_of_all_accounts_is_zero() {
        let book = Purpose::ALL.map(|purpose| transfer(purpose, "x", 1999, 0));
        assert_eq!(book.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
        let of = |wanted| -> i64 {
            book.iter().flat_map(Transfer::entries).filter(|(one, _)| *one == wanted).map(|(_, minor)| minor).sum()
        };
        assert_eq!((of(Account::Gateway), of(Account::Sales), of(Account::Fees)), (-1999, 0, 1999));
    }

    #[test]
    fn what_only_one_of_both_has_and_what_differs_in_amount_are_differences() {
        let ours = [transfer(Purpose::Charge, "a", 5, 100), transfer(Purpose::Charge, "b", 5, 199)];
        let theirs = [movement(Purpose::Charge, "b", 6, 0, 150), movement(Purpose::Refund, "c", 1, 0, 150)];
        let expected = [
            (DiscrepancyKind::Amount, "b"),
            (DiscrepancyKind::MissingInLedger, "c"),
            (DiscrepancyKind::MissingAtGateway, "a"),
        ];
        assert_eq!(said(&ours, &theirs), expected.map(|(kind, reference)| (kind, reference.to_owned())));
    }

    #[test]
    fn a_charge_and_a_refund_of_one_name_are_two_things() {
        let (ours, theirs) = ([transfer(Purpose::Charge, "a", 5, 100)], [movement(Purpose::Refund, "a", 5, 0, 150)]);
        assert_eq!(said(&ours, &theirs).len(), 2);
    }

    #[test]
    fn what_is_booked_on_the_other_side_of_midnight_is_no_difference() {
        let ours = [transfer(Purpose::Charge, "a", 5, 200), transfer(Purpose::Charge, "b", 5, 100)];
        let theirs = [movement(Purpose::Charge, "a", 5, 0, 199), movement(Purpose::Charge, "b", 5, 0, 99)];
        assert_eq!(said(&ours, &theirs), vec![]);
        let outside = [transfer(Purpose::Charge, "c", 5, 99), transfer(Purpose::Charge, "d", 5, 200)];
        assert_eq!(said(&outside, &[]), vec![]);
    }

    #[test]
    fn a_fee_is_booked_once_and_is_no_difference() {
        let theirs = [movement(Purpose::Charge, "a", 500, 45, 150), movement(Purpose::Charge, "b", 500, 0, 150)];
        let mut ours = vec![transfer(Purpose::Charge, "a", 500, 150), transfer(Purpose::Charge, "b", 500, 150)];
        let first = compare(&ours, &theirs, at(100), at(200), at(300));
        assert_eq!(first.fees, [transfer(Purpose::Fee, "a", 45, 300)]);
        ours.extend(first.fees);
        assert_eq!(compare(&ours, &theirs, at(100), at(200), at(301)), Comparison::default());
    }
}
