//! Payments and their refunds.

use crate::{id, rfc3339};
use domain::{
    Money,
    payment::{Payment, Refund, RefundReason, RefundStatus, Status},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A payment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Id.
    pub id: String,
    /// For which order.
    pub order_id: String,
    /// How much.
    pub amount: Money,
    /// How much of it went back.
    pub refunded_amount: Money,
    /// Where it stands.
    pub status: Status,
    /// How the last attempt pays.
    pub payment_method: Option<String>,
    /// The gateway's name for the charge.
    pub transaction_id: Option<String>,
    /// The gateway's code for the last refusal. Customers get `generic_decline` where the gateway holds the card to be stolen.
    pub decline_code: Option<String>,
    /// Attempts to charge.
    pub attempts: u32,
    /// What goes or went back, oldest first.
    pub refunds: Vec<RefundView>,
    /// When it was begun.
    pub created_at: String,
    /// When something last became of it.
    pub updated_at: String,
}

/// Money that goes or went back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefundView {
    /// Id.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: RefundReason,
    /// Where it stands.
    pub status: RefundStatus,
    /// Since when.
    pub requested_at: String,
}

impl PaymentView {
    /// The payment as the back office may see it.
    pub fn for_staff(payment: &Payment) -> Self {
        Self { decline_code: payment.decline_code.clone(), ..Self::from(payment) }
    }
}

impl From<&Payment> for PaymentView {
    /// The payment as its owner may see it.
    fn from(payment: &Payment) -> Self {
        Self {
            id: id(payment.id.0),
            order_id: id(payment.order_id.0),
            amount: payment.amount,
            refunded_amount: payment.refunded_amount(),
            status: payment.status,
            payment_method: payment.method.as_ref().map(|method| method.as_str().to_owned()),
            transaction_id: payment.transaction_id.clone(),
            decline_code: payment.decline_code_for_customers().map(str::to_owned),
            attempts: payment.attempts,
            refunds: payment.refunds.iter().map(RefundView::from).collect(),
            created_at: rfc3339(payment.created_at),
            updated_at: rfc3339(payment.updated_at),
        }
    }
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: id(refund.id.0),
            amount: refund.amount,
            reason: refund.reason,
            status: refund.status,
            requested_at: rfc3339(refund.requested_at),
        }
    }
}
