//! Refunds that Quayside requests, and what the gateway says about them.

use super::{
    AMOUNT_MISMATCH, GIVE_UP_SECONDS, GatewayOperation, Input, Payment, PaymentTransition, REFUND_NOT_FOUND, Refund,
    RefundReason, RefundStatus, ReportedTransaction, Transition, accept, amount::record_mismatch, is_past_retry_window,
    next, payment_transition::money, seconds_since,
};
use crate::{
    Money,
    event::{PaymentRefunded, RefundFailed},
    id::RefundId,
    ledger::Purpose,
};
use kernel::{Failure, FailureKind, Timestamp};

/// Code of the failure for a refund that exceeds what the recorded refunds leave of the charge. The gateway never refunds more than the charge:
/// an earlier refund was returned, and that report is still to come.
pub const REFUND_EXCEEDS_CHARGE: &str = "refund-exceeds-charge";

/// The final result of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// What the gateway says it refunded; see [`ChargeOutcome::Charged`].
    Refunded(ReportedTransaction),
    /// The gateway's error code.
    Failed(String),
}

/// Requests a refund of `amount`, or of all that is refundable.
///
/// `Conflict` with code `not-refundable` if nothing was charged or nothing is left; `Invalid` for `/amount` if it exceeds what is
/// left or is in another currency.
pub fn request_refund(
    payment: &Payment,
    id: RefundId,
    amount: Option<Money>,
    reason: RefundReason,
    now: Timestamp,
) -> Result<PaymentTransition, Failure> {
    let left = payment.refundable();
    let Transition::To(status) = next(payment.status, Input::RequestRefund) else {
        return Err(not_refundable(payment));
    };
    if left == 0 {
        return Err(not_refundable(payment));
    }
    let left = money(left, payment);
    let amount = amount.unwrap_or(left);
    if amount.currency != left.currency {
        return Err(Failure::field("/amount/currency", format!("must be {}", left.currency.code())));
    }
    if amount.amount.get() == 0 || amount.amount > left.amount {
        return Err(Failure::field("/amount/amount", format!("must be between 1 and {}", left.amount.get())));
    }
    let mut change = PaymentTransition::of(payment, status, now);
    change.request_refund(id, amount, reason, now);
    Ok(change)
}

fn not_refundable(payment: &Payment) -> Failure {
    let detail = format!("Nothing of this payment can be refunded: it is {}.", payment.status.name());
    Failure::new(FailureKind::Conflict, "not-refundable", detail)
}

/// Records the result of a refund. `None` if it has one. A refund of another amount is recorded for review and changes nothing else.
/// `Unavailable` with code [`REFUND_EXCEEDS_CHARGE`] until the refunds that leave room for it are known to be returned.
pub fn record_refund_outcome(
    payment: &Payment,
    id: RefundId,
    outcome: &RefundOutcome,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    let Some(refund) = payment.refund(id) else { return Err(Failure::not_found("refund")) };
    let made = match outcome {
        RefundOutcome::Refunded(answer) => match accept(refund.amount, answer) {
            Some(made) => Ok(made),
            None => {
                return Ok(record_mismatch(payment, GatewayOperation::Refund, Some(id), refund.amount, answer, now));
            }
        },
        RefundOutcome::Failed(code) => Err(code),
    };
    if refund.status != RefundStatus::Pending {
        return Ok(None);
    }
    let (payment_id, order_id, refund_id, amount) = (payment.id, payment.order_id, id, refund.amount);
    let left = payment.amount.amount.get() - payment.refunded();
    if made.is_ok() && amount.amount.get() > left {
        return Err(exceeds_charge());
    }
    let is_rest = amount.amount.get() == left;
    let input = match made {
        Ok(_) if is_rest => Input::RefundedInFull,
        Ok(_) => Input::RefundedInPart,
        Err(_) => Input::RefundFailed,
    };
    let Transition::To(status) = next(payment.status, input) else {
        return Err(Failure::internal(format!("a refund of a payment that is {}", payment.status.name())));
    };
    let mut change = PaymentTransition::of(payment, status, now);
    let Some(refund) = change.payment.refunds.iter_mut().find(|refund| refund.id == id) else { return Ok(None) };
    match made {
        Ok(made) => {
            refund.status = RefundStatus::Succeeded;
            let transaction_id = Some(made.transaction_id().to_owned());
            refund.transaction_id.clone_from(&transaction_id);
            change.post(Purpose::Refund, made.transaction_id(), Some(id), made.amount(), now);
            let (user_id, refunded_amount) = (Some(payment.user_id), change.payment.refunded_amount());
            let refunded =
                PaymentRefunded { payment_id, order_id, user_id, refund_id, transaction_id, amount, refunded_amount };
            change.events.push(refunded.into());
        }
        Err(code) => {
            refund.status = RefundStatus::Failed;
            let (transaction_id, code) = (refund.transaction_id.clone(), code.clone());
            change.events.push(RefundFailed { payment_id, order_id, refund_id, transaction_id, amount, code }.into());
        }
    }
    Ok(Some(change))
}

/// As [`record_refund_outcome`]. What the gateway never refunded of a cancelled order is requested again at once, as `new`: nobody else would
/// ask for it.
pub fn conclude_refund(
    payment: &Payment,
    id: RefundId,
    outcome: &RefundOutcome,
    new: RefundId,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    let mut change = record_refund_outcome(payment, id, outcome, now)?;
    let is_unmade = matches!(outcome, RefundOutcome::Failed(code) if code == REFUND_NOT_FOUND);
    if let Some(change) = change.as_mut().filter(|_| is_unmade && payment.closed) {
        change.refund_the_rest(new, now);
    }
    Ok(change)
}

pub(super) fn exceeds_charge() -> Failure {
    let detail = "The gateway made a refund that exceeds what the known refunds leave of the charge.";
    Failure::new(FailureKind::Unavailable, REFUND_EXCEEDS_CHARGE, detail)
}

/// The result of a refund that a lookup at the gateway did not find, or found with another amount: failed, once it is not
/// requested any more. `None` before that.
pub fn abandon_refund(payment: &Payment, refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    let is_mismatched = payment.mismatches.iter().any(|mismatch| mismatch.refund_id == Some(refund.id));
    let code = if is_mismatched { AMOUNT_MISMATCH } else { REFUND_NOT_FOUND };
    is_past_retry_window(refund.requested_at, now).then(|| RefundOutcome::Failed(code.to_owned()))
}

/// As [`fail_charge_after_gateway_error`], for a refund.
pub fn fail_refund_after_gateway_error(refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    let is_over = seconds_since(refund.requested_at, now) >= GIVE_UP_SECONDS;
    is_over.then(|| RefundOutcome::Failed(REFUND_NOT_FOUND.to_owned()))
}
