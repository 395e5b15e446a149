//! What the gateway says that it moved. Only [`accept`], which compares them with the requested amount, turns them into [`Money`].

use super::{GatewayOperation, Payment, PaymentTransition};
use crate::{Money, event::PaymentMismatched, id::RefundId, money::StatedAmount};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// A charge or refund that the gateway says it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedTransaction {
    /// The gateway's id of the charge or refund.
    pub transaction_id: String,
    /// `None` if the gateway states no amount.
    pub amount: Option<StatedAmount>,
}

impl ReportedTransaction {
    pub fn new(transaction_id: impl Into<String>, amount: impl Into<StatedAmount>) -> Self {
        Self { transaction_id: transaction_id.into(), amount: Some(amount.into()) }
    }
}

/// A charge or refund of exactly what was asked for. [`accept`] makes it, and nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    transaction_id: String,
    amount: Money,
}

impl Accepted {
    /// The gateway's id of the charge or refund.
    pub fn transaction_id(&self) -> &str {
        &self.transaction_id
    }

    pub const fn amount(&self) -> Money {
        self.amount
    }
}

/// Compares what the gateway says it moved with what was asked: `None` if amount or currency differ or are not stated.
pub fn accept(asked: Money, answered: &ReportedTransaction) -> Option<Accepted> {
    let is_same = answered.amount.as_ref().and_then(StatedAmount::to_money) == Some(asked);
    is_same.then(|| Accepted { transaction_id: answered.transaction_id.clone(), amount: asked })
}

/// An answer of the gateway that does not match what was asked. It changes nothing else; staff must review it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    pub movement: GatewayOperation,
    /// The gateway's id of the charge or refund.
    pub transaction_id: String,
    /// The refund, if it is one that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    pub asked: Money,
    /// `None` if the gateway states no amount.
    pub answered: Option<StatedAmount>,
    /// When it was first seen.
    pub at: Timestamp,
}

/// Records an answer that [`accept`] did not accept. `None` if the same answer is recorded already.
pub(super) fn record_mismatch(
    payment: &Payment,
    movement: GatewayOperation,
    refund_id: Option<RefundId>,
    asked: Money,
    answer: &ReportedTransaction,
    now: Timestamp,
) -> Option<PaymentTransition> {
    let (transaction_id, answered) = (answer.transaction_id.clone(), answer.amount.clone());
    let is_known = |old: &Mismatch| old.transaction_id == transaction_id && old.answered == answered;
    if payment.mismatches.iter().any(is_known) {
        return None;
    }
    let mut change = PaymentTransition::of(payment, payment.status, now);
    let (payment_id, order_id) = (payment.id, payment.order_id);
    change.events.push(
        PaymentMismatched {
            payment_id,
            order_id,
            movement,
            transaction_id: transaction_id.clone(),
            refund_id,
            asked,
            answered: answered.clone(),
        }
        .into(),
    );
    change.payment.mismatches.push(Mismatch { movement, transaction_id, refund_id, asked, answered, at: now });
    Some(change)
}
