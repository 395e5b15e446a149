//! The fake gateway's own ledger.

use super::GatewayState;
use domain::{
    Money,
    ledger::{GatewayTransaction, Purpose},
};

impl GatewayState {
    /// All charges, refunds and returned refunds.
    pub(super) fn transactions(&self) -> impl Iterator<Item = GatewayTransaction> {
        let charges = self.charges.iter().map(|one| GatewayTransaction {
            purpose: Purpose::Charge,
            reference: one.transaction_id.clone(),
            payment_id: Some(one.payment_id),
            amount: one.amount,
            fee: fee(one.amount),
            at: one.at,
        });
        let refunds = self.refunds.iter().map(|one| GatewayTransaction {
            purpose: Purpose::Refund,
            reference: one.transaction_id.clone(),
            payment_id: Some(one.payment_id),
            amount: one.amount,
            fee: Money::zero(one.amount.currency),
            at: one.at,
        });
        let returned = self.refunds.iter().filter(|one| one.failure.is_some()).map(|one| GatewayTransaction {
            purpose: Purpose::RefundReversal,
            reference: one.transaction_id.clone(),
            payment_id: Some(one.payment_id),
            amount: one.amount,
            fee: Money::zero(one.amount.currency),
            at: one.at,
        });
        charges.chain(refunds).chain(returned)
    }
}

/// The gateway's fee for a charge: 2.9 % and 30 minor units, rounded half up.
fn fee(amount: Money) -> Money {
    let minor = (amount.amount.get() * 29 + 500) / 1000 + 30;
    Money { amount: minor.try_into().expect("less than was charged"), ..amount }
}
