//! Refunds by staff above a limit: one person requests them, and another one approves or rejects them.

use super::{
    Payment, PaymentTransition, Refund, RefundPayment, RefundReason, RefundStatus, Verdict, payment_transition::money,
    request_refund,
};
use crate::{
    Money,
    event::{RefundApprovalDecided, RefundApprovalRefused, RefundApprovalRequested},
    id::{RefundId, UserId},
    money::Currency,
    text::ActionReason,
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Up to how much of a payment staff refunds without an approval. The refunds of a payment count together, so that a refund in parts needs
/// an approval like a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundLimit {
    /// Units of the payment's currency, such as dollars or yen.
    pub units: u32,
}

impl Default for RefundLimit {
    fn default() -> Self {
        Self { units: 500 }
    }
}

impl RefundLimit {
    fn minor(self, currency: Currency) -> i64 {
        i64::from(self.units) * 10_i64.pow(currency.digits())
    }
}

/// A decision on a refund that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRefund {
    pub verdict: Verdict,
    /// Why; it is kept with the decision, until the account of the customer is deleted. 3 to 500 characters.
    #[serde(default)]
    pub reason: Option<ActionReason>,
}

/// A refund that needs the approval of another person than the one who requested it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundApproval {
    /// Of the refund that an approval requests.
    pub id: RefundId,
    pub amount: Money,
    pub reason: RefundReason,
    pub requested_by: UserId,
    pub requested_at: Timestamp,
    /// `None` while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ApprovalDecision>,
}

/// Who decided, when, what and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalDecision {
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ActionReason>,
    pub by: UserId,
    pub at: Timestamp,
}

impl Payment {
    /// The refunds that wait for approval.
    pub fn waiting_approvals(&self) -> impl Iterator<Item = &RefundApproval> {
        self.approvals.iter().filter(|approval| approval.decision.is_none())
    }

    /// Since when the oldest refund waits for approval; `None` if none does.
    pub fn awaits_approval_since(&self) -> Option<Timestamp> {
        self.waiting_approvals().map(|approval| approval.requested_at).min()
    }

    /// Minor units of the refunds that wait for approval.
    fn awaiting_approval(&self) -> i64 {
        self.waiting_approvals().map(|approval| approval.amount.amount.get()).sum()
    }

    /// Minor units that staff refunds without an approval.
    fn refunded_without_approval(&self) -> i64 {
        let is_approved = |id: RefundId| self.approvals.iter().any(|approval| approval.id == id);
        let counted = self.refunds.iter().filter(|refund| {
            refund.reason.is_of_staff() && refund.status != RefundStatus::Failed && !is_approved(refund.id)
        });
        counted.map(|refund| refund.amount.amount.get()).sum()
    }
}

/// Requests a refund by staff, or above the limit an approval of it. Failures are those of [`request_refund`]; what waits for approval counts
/// as refunded for the next request of an approval, and is no part of a refund of all that is left.
pub fn request_refund_by_staff(
    payment: &Payment,
    id: RefundId,
    wanted: RefundPayment,
    (requested_by, limit): (UserId, RefundLimit),
    now: Timestamp,
) -> Result<PaymentTransition, Failure> {
    let left = (payment.refundable() - payment.awaiting_approval()).max(0);
    let amount = wanted.amount.or_else(|| (left > 0).then(|| money(left, payment)));
    let refunded = request_refund(payment, id, amount, wanted.reason.into(), now)?;
    let is_within = refunded.payment.refunded_without_approval() <= limit.minor(payment.amount.currency);
    match refunded.payment.refund(id) {
        Some(refund) if !is_within && refund.amount.amount.get() > left => Err(too_little_is_left(payment, left)),
        Some(refund) if !is_within => Ok(request_approval(payment, refund, requested_by)),
        _ => Ok(refunded),
    }
}

fn request_approval(payment: &Payment, refund: &Refund, requested_by: UserId) -> PaymentTransition {
    let Refund { id, amount, reason, requested_at, .. } = *refund;
    let mut change = PaymentTransition::of(payment, payment.status, requested_at);
    change.payment.approvals.push(RefundApproval { id, amount, reason, requested_by, requested_at, decision: None });
    let (payment_id, order_id) = (payment.id, payment.order_id);
    change.events.push(RefundApprovalRequested { payment_id, order_id, refund_id: id, amount, requested_by }.into());
    change
}

fn too_little_is_left(payment: &Payment, left: i64) -> Failure {
    let left = money(left, payment);
    let detail = format!("{left} of this payment can be refunded, which is less than was requested.");
    Failure::new(FailureKind::Conflict, "not-refundable", detail)
}

/// Decides on a refund that waits for approval. An approval requests the refund, by [`request_refund`].
///
/// The failure beside a change is the response to a decision by the person who requested the refund, which is recorded by an event and
/// changes nothing else: `Forbidden` with code `own-request`. `NotFound` if there is no such approval; `Conflict` with code
/// `refund-decided` if it is decided, and with code `not-refundable` if less than its amount is left.
pub fn decide_refund(
    payment: &Payment,
    refund_id: RefundId,
    decision: &DecideRefund,
    by: UserId,
    now: Timestamp,
) -> Result<(PaymentTransition, Option<Failure>), Failure> {
    let DecideRefund { verdict, ref reason } = *decision;
    let waiting = payment.approvals.iter().find(|approval| approval.id == refund_id);
    let approval = waiting.ok_or_else(|| Failure::not_found("refund that needs an approval"))?;
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, approval.amount);
    if let Some(decision) = &approval.decision {
        let detail = format!("The refund was {} already.", decision.verdict.name());
        return Err(Failure::new(FailureKind::Conflict, "refund-decided", detail));
    }
    if approval.requested_by == by {
        let mut change = PaymentTransition::of(payment, payment.status, now);
        change
            .events
            .push(RefundApprovalRefused { payment_id, order_id, refund_id, amount, verdict, requested_by: by }.into());
        let detail = "You requested this refund: another admin has to decide on it.";
        return Ok((change, Some(Failure::new(FailureKind::Forbidden, "own-request", detail))));
    }
    let mut change = match verdict {
        Verdict::Approved if amount.amount.get() > payment.refundable() => {
            return Err(too_little_is_left(payment, payment.refundable()));
        }
        Verdict::Approved => request_refund(payment, refund_id, Some(amount), approval.reason, now)?,
        Verdict::Rejected => PaymentTransition::of(payment, payment.status, now),
    };
    for approval in change.payment.approvals.iter_mut().filter(|approval| approval.id == refund_id) {
        approval.decision = Some(ApprovalDecision { verdict, reason: reason.clone(), by, at: now });
    }
    let decided = RefundApprovalDecided { payment_id, order_id, refund_id, amount, verdict, decided_by: by };
    change.events.insert(0, decided.into());
    Ok((change, None))
}
