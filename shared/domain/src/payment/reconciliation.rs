//! Resolution of attempts and refunds without a result.

use super::{
    ChargeOutcome, Payment, PaymentTransition, RETRY_WINDOW_SECONDS, Refund, RefundOutcome, RefundStatus, Status,
    abandon_charge, abandon_refund, conclude_refund, record_charge_outcome, record_refund_outcome, seconds_since,
};
use crate::{
    event::{PaymentRequested, RefundRequested},
    id::RefundId,
};
use kernel::{Failure, Timestamp};

/// How a lookup at the gateway ended an attempt or a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The gateway had a result, which is recorded.
    Found,
    /// The gateway had a result with another amount, which is recorded for review.
    Mismatched,
    /// The gateway does not know it, and nothing requests it any more.
    Abandoned,
}

/// The transition that follows from looking up the last attempt, and why. `None` if there is nothing to record yet. A charge for a
/// cancelled order is refunded as `refund`. An attempt found with an amount that is recorded already is given up like one that is not
/// found.
pub fn resolve_charge(
    payment: &Payment,
    found: Option<&ChargeOutcome>,
    refund: RefundId,
    now: Timestamp,
) -> Result<Option<(PaymentTransition, Resolution)>, Failure> {
    if let Some(outcome) = found
        && let Some(change) = record_charge_outcome(payment, payment.attempts, outcome, refund, now)?
    {
        return Ok(Some(recorded(change)));
    }
    Ok(abandon_charge(payment, now).map(|change| (change, Resolution::Abandoned)))
}

/// As [`resolve_charge`], for a pending refund. One of a cancelled order that is given up is requested again as `new`.
pub fn resolve_refund(
    payment: &Payment,
    refund: &Refund,
    found: Option<&RefundOutcome>,
    new: RefundId,
    now: Timestamp,
) -> Result<Option<(PaymentTransition, Resolution)>, Failure> {
    if let Some(outcome) = found
        && let Some(change) = record_refund_outcome(payment, refund.id, outcome, now)?
    {
        return Ok(Some(recorded(change)));
    }
    let Some(outcome) = abandon_refund(payment, refund, now) else { return Ok(None) };
    let change = conclude_refund(payment, refund.id, &outcome, new, now)?;
    Ok(change.map(|change| (change, Resolution::Abandoned)))
}

fn recorded(change: PaymentTransition) -> (PaymentTransition, Resolution) {
    let resolution = if change.is_mismatch() { Resolution::Mismatched } else { Resolution::Found };
    (change, resolution)
}

/// Publishes the requests of pending attempts and refunds again, for messages that were lost to a dead-letter queue. `None` if
/// nothing is pending within the retry window.
pub fn republish_pending(payment: &Payment, now: Timestamp) -> Option<PaymentTransition> {
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, payment.attempts);
    let mut change = PaymentTransition::of(payment, payment.status, now);
    let is_in_retry_window = |start| seconds_since(start, now) <= RETRY_WINDOW_SECONDS;
    if payment.status == Status::Pending && !payment.closed && is_in_retry_window(payment.attempted_at) {
        change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    }
    // A request of this moment is published already.
    let is_pending = |refund: &&Refund| refund.status == RefundStatus::Pending && refund.requested_at < now;
    for refund in payment.refunds.iter().filter(is_pending).filter(|refund| is_in_retry_window(refund.requested_at)) {
        let (refund_id, amount) = (refund.id, refund.amount);
        change.events.push(RefundRequested { payment_id, order_id, refund_id, amount }.into());
    }
    (!change.events.is_empty()).then_some(change)
}
