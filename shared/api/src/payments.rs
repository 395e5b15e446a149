//! Payments and refunds.

use crate::{id, rfc3339};
use domain::{
    Money,
    id::UserId,
    payment::{
        CustomerAction, Dispute, DisputeStatus, GatewayOperation, Mismatch, Payment, Refund, RefundApproval,
        RefundReason, RefundStatus, StatedAmount, Status, Verdict,
    },
};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// A payment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Id of the payment.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: String,
    /// Amount of the payment.
    pub amount: Money,
    /// Refunded amount.
    pub refunded_amount: Money,
    /// Status of the payment.
    pub status: Status,
    /// Payment method of the last attempt.
    pub payment_method: Option<String>,
    /// What the customer has to do; for the owner, and only while the status is `requires_action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextActionView>,
    /// The gateway's id of the charge.
    pub transaction_id: Option<String>,
    /// The gateway's code of the last decline; for customers `generic_decline` if the code indicates fraud.
    pub decline_code: Option<String>,
    /// Number of charge attempts.
    pub attempts: u32,
    /// All refunds, oldest first.
    pub refunds: Vec<RefundView>,
    /// Answers of the gateway that do not match what was asked, oldest first. Staff only; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<MismatchView>,
    /// Disputes of the charge, oldest first; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<DisputeView>,
    /// Refunds that need the approval of a second person, oldest first. Staff only; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refund_approvals: Vec<RefundApprovalView>,
    /// Creation time.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Time of the last transition.
    #[schemars(extend("format" = "date-time"))]
    pub updated_at: String,
}

/// What the client needs to let the customer consent to a charge.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NextActionView {
    /// For the gateway's library in the browser or the app.
    pub client_secret: String,
    /// Where to send a customer without that library; null if there is no such page.
    pub redirect_url: Option<String>,
}

impl fmt::Debug for NextActionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextActionView(…)")
    }
}

impl From<&CustomerAction> for NextActionView {
    fn from(action: &CustomerAction) -> Self {
        Self { client_secret: action.client_secret.clone(), redirect_url: action.redirect_url.clone() }
    }
}

/// A refund.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefundView {
    /// Id of the refund.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Refunded amount.
    pub amount: Money,
    /// Reason of the refund.
    pub reason: RefundReason,
    /// Status of the refund.
    pub status: RefundStatus,
    /// Time of the request.
    #[schemars(extend("format" = "date-time"))]
    pub requested_at: String,
}

/// A refund that needs the approval of another person than the one who requested it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefundApprovalView {
    /// Id of the refund that an approval requests.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Amount of the refund.
    pub amount: Money,
    /// Reason of the refund.
    pub reason: RefundReason,
    /// Id of the staff user who requested the refund.
    #[schemars(extend("format" = "uuid"))]
    pub requested_by: String,
    /// Time of the request.
    #[schemars(extend("format" = "date-time"))]
    pub requested_at: String,
    /// Decision; null while the refund waits for one.
    pub verdict: Option<Verdict>,
    /// Why it was decided so; null if the admin stated no reason, and after the account of the customer was deleted. The response to the
    /// decision itself shows it in any case.
    pub decision_reason: Option<String>,
    /// Id of the admin who decided.
    #[schemars(extend("format" = "uuid"))]
    pub decided_by: Option<String>,
    /// Time of the decision.
    #[schemars(extend("format" = "date-time"))]
    pub decided_at: Option<String>,
}

impl From<&RefundApproval> for RefundApprovalView {
    fn from(approval: &RefundApproval) -> Self {
        let decision = approval.decision.as_ref();
        Self {
            id: id(approval.id.0),
            amount: approval.amount,
            reason: approval.reason,
            requested_by: id(approval.requested_by.0),
            requested_at: rfc3339(approval.requested_at),
            verdict: decision.map(|decision| decision.verdict),
            decision_reason: decision.and_then(|one| one.reason.as_ref()).map(|reason| reason.as_str().to_owned()),
            decided_by: decision.map(|decision| id(decision.by.0)),
            decided_at: decision.map(|decision| rfc3339(decision.at)),
        }
    }
}

/// A payment with a refund that waits for approval.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentAwaitingApprovalView {
    /// Id of the payment.
    #[schemars(extend("format" = "uuid"))]
    pub payment_id: String,
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: String,
    /// Amount of the payment.
    pub amount: Money,
    /// Refunded amount.
    pub refunded_amount: Money,
    /// All refunds of the payment that needed or need an approval, oldest first.
    pub refund_approvals: Vec<RefundApprovalView>,
}

impl From<&Payment> for PaymentAwaitingApprovalView {
    fn from(payment: &Payment) -> Self {
        Self {
            payment_id: id(payment.id.0),
            order_id: id(payment.order_id.0),
            amount: payment.amount,
            refunded_amount: payment.refunded_amount(),
            refund_approvals: payment.approvals.iter().map(RefundApprovalView::from).collect(),
        }
    }
}

/// A dispute of a charge.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DisputeView {
    /// The gateway's id of the dispute.
    pub id: String,
    /// The disputed amount.
    pub amount: Money,
    /// The bank's reason, in the gateway's words.
    pub reason: String,
    /// Status of the dispute.
    pub status: DisputeStatus,
    /// Until when evidence is accepted.
    #[schemars(extend("format" = "date-time"))]
    pub evidence_due_by: Option<String>,
    /// What the gateway withdrew.
    pub withdrawn: Option<Money>,
    /// What the gateway returned.
    pub returned: Option<Money>,
    /// When it was first reported.
    #[schemars(extend("format" = "date-time"))]
    pub opened_at: String,
}

impl From<&Dispute> for DisputeView {
    fn from(dispute: &Dispute) -> Self {
        Self {
            id: dispute.id.clone(),
            amount: dispute.amount,
            reason: dispute.reason.clone(),
            status: dispute.status,
            evidence_due_by: dispute.evidence_due_by.map(rfc3339),
            withdrawn: dispute.withdrawn,
            returned: dispute.returned,
            opened_at: rfc3339(dispute.opened_at),
        }
    }
}

/// An answer of the gateway that does not match what was asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MismatchView {
    /// What the gateway was asked to move.
    pub movement: GatewayOperation,
    /// The gateway's id of the charge or refund.
    pub transaction_id: String,
    /// Id of the refund, if it is one that was requested.
    #[schemars(extend("format" = "uuid"))]
    pub refund_id: Option<String>,
    /// Amount that the platform requested from the gateway.
    pub asked: Money,
    /// What the gateway says it moved; null if it does not state it.
    pub answered: Option<StatedAmount>,
    /// When it was first seen.
    #[schemars(extend("format" = "date-time"))]
    pub seen_at: String,
}

/// A payment for which the gateway moved something other than what was asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MismatchedPaymentView {
    /// Id of the payment.
    #[schemars(extend("format" = "uuid"))]
    pub payment_id: String,
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: String,
    /// Status of the payment.
    pub status: Status,
    /// All mismatches, oldest first.
    pub mismatches: Vec<MismatchView>,
}

impl From<&Payment> for MismatchedPaymentView {
    fn from(payment: &Payment) -> Self {
        Self {
            payment_id: id(payment.id.0),
            order_id: id(payment.order_id.0),
            status: payment.status,
            mismatches: payment.mismatches.iter().map(MismatchView::from).collect(),
        }
    }
}

impl PaymentView {
    /// The payment as a caller may see it, who is its owner, or staff if there is no `owner` to filter by.
    pub fn visible_to(owner: Option<UserId>, payment: &Payment) -> Self {
        if owner.is_some() { Self::from(payment) } else { Self::for_staff(payment) }
    }

    /// The payment for staff, with the original decline code and what needs a review.
    pub fn for_staff(payment: &Payment) -> Self {
        let mismatches = payment.mismatches.iter().map(MismatchView::from).collect();
        let refund_approvals = payment.approvals.iter().map(RefundApprovalView::from).collect();
        let decline_code = payment.decline_code.clone();
        Self { decline_code, mismatches, refund_approvals, next_action: None, ..Self::from(payment) }
    }
}

impl From<&Mismatch> for MismatchView {
    fn from(mismatch: &Mismatch) -> Self {
        Self {
            movement: mismatch.movement,
            transaction_id: mismatch.transaction_id.clone(),
            refund_id: mismatch.refund_id.map(|refund| id(refund.0)),
            asked: mismatch.asked,
            answered: mismatch.answered.clone(),
            seen_at: rfc3339(mismatch.at),
        }
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
            next_action: payment.action.as_ref().map(NextActionView::from),
            transaction_id: payment.transaction_id.clone(),
            decline_code: payment.decline_code_for_customers().map(str::to_owned),
            attempts: payment.attempts,
            refunds: payment.refunds.iter().map(RefundView::from).collect(),
            mismatches: vec![],
            disputes: payment.disputes.iter().map(DisputeView::from).collect(),
            refund_approvals: vec![],
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
