//! Payments and refunds.

use crate::{id, rfc3339};
use domain::{
    Money,
    id::UserId,
    payment::{Payment, Refund, RefundReason, RefundStatus, Status},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A payment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Id of the payment.
    pub id: String,
    /// Id of the order.
    pub order_id: String,
    /// Amount of the payment.
    pub amount: Money,
    /// Refunded amount.
    pub refunded_amount: Money,
    /// Status of the payment.
    pub status: Status,
    /// Payment method of the last attempt.
    pub payment_method: Option<String>,
    /// The gateway's id of the charge.
    pub transaction_id: Option<String>,
    /// The gateway's code of the last decline; for customers `generic_decline` if the code indicates fraud.
    pub decline_code: Option<String>,
    /// Number of charge attempts.
    pub attempts: u32,
    /// All refunds, oldest first.
    pub refunds: Vec<RefundView>,
    /// Creation time.
    pub created_at: String,
    /// Time of the last transition.
    pub updated_at: String,
}

/// A refund.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefundView {
    /// Id of the refund.
    pub id: String,
    /// Refunded amount.
    pub amount: Money,
    /// Reason of the refund.
    pub reason: RefundReason,
    /// Status of the refund.
    pub status: RefundStatus,
    /// Time of the request.
    pub requested_at: String,
}

impl PaymentView {
    /// The payment as a caller may see it, who is its owner, or staff if there is no `owner` to filter by.
    pub fn visible_to(owner: Option<UserId>, payment: &Payment) -> Self {
        if owner.is_some() { Self::from(payment) } else { Self::for_staff(payment) }
    }

    /// The payment for staff, with the original decline code.
    pub fn for_staff(payment: &Payment) -> Self {
        Self { decline_code: payment.decline_code.clone(), ..Self::from(payment) }
    }
}

impl From<&Payment> for PaymentView {
    /// The payment for its owner, with the decline code for customers.
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
