//! Charge attempts: begun, retried, and ended by what the gateway says or never said.

use super::{
    AMOUNT_MISMATCH, Accepted, CHARGE_NOT_FOUND, CustomerAction, GATEWAY_ERROR, GIVE_UP_SECONDS, GatewayOperation,
    Input, MAX_ATTEMPTS, NO_PAYMENT_REQUIRED, Payment, PaymentTransition, RECONCILE_AFTER_SECONDS, ReportedTransaction,
    State, Status, Transition, accept, amount::record_mismatch, is_past_retry_window, next, seconds_since,
};
use crate::{
    event::{OrderCancelled, PaymentActionRequired, PaymentFailed, PaymentRequested, PaymentSucceeded, StockReserved},
    id::{PaymentId, RefundId},
    ledger::{Purpose, Transfer},
    order_status::Reason,
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp};

/// Code of the failure for a charge in addition to another one of the payment.
pub const DUPLICATE_CHARGE: &str = "duplicate-charge";

/// The final result of a charge. A timeout is not a result: the charge is requested again under the same key while
/// [`is_due`](super::is_due) allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// What the gateway says it charged. It counts once [`accept`](super::accept) has compared it with what was asked.
    Charged(ReportedTransaction),
    /// The gateway's decline code.
    Declined(String),
    /// Not final: the gateway waits for the customer's consent to a charge of the stated amount.
    ActionRequired(ReportedTransaction, CustomerAction),
}

/// Creates the payment of a reserved order, with its first attempt.
pub fn begin(id: PaymentId, order: &StockReserved, now: Timestamp) -> Payment {
    Payment {
        id,
        order_id: order.order_id,
        user_id: order.user_id,
        amount: order.amount,
        method: Some(order.payment_method.clone()),
        customer: None,
        status: Status::Pending,
        attempts: 1,
        attempted_at: now,
        closed: false,
        action: None,
        transaction_id: None,
        decline_code: None,
        refunds: vec![],
        mismatches: vec![],
        disputes: vec![],
        approvals: vec![],
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Creates the closed payment of an order that was cancelled before its first attempt, so that it is never charged.
pub fn begin_closed(id: PaymentId, order: &OrderCancelled, now: Timestamp) -> Payment {
    Payment {
        id,
        order_id: order.order_id,
        user_id: order.user_id,
        amount: order.total_amount,
        method: None,
        customer: None,
        status: Status::Failed,
        attempts: 0,
        attempted_at: now,
        closed: true,
        action: None,
        transaction_id: None,
        decline_code: None,
        refunds: vec![],
        mismatches: vec![],
        disputes: vec![],
        approvals: vec![],
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Closes the payment of a cancelled order and requests the refund `refund` of what was charged. `None` if it is closed already.
pub fn close(payment: &Payment, refund: RefundId, now: Timestamp) -> Option<PaymentTransition> {
    if payment.closed {
        return None;
    }
    let mut change = PaymentTransition::of(payment, payment.status, now);
    change.payment.closed = true;
    change.refund_the_rest(refund, now);
    Some(change)
}

/// Records the result of an attempt. `None` if it is outdated. A charge for a cancelled order is refunded at once as `refund`. A charge
/// of another amount is recorded for review and changes nothing else.
///
/// An earlier attempt that failed may be charged after all: a customer consents to it in a page that was still open. Its charge counts if
/// the last attempt has failed, and is `Unavailable` while that has no result. A charge in addition to the payment's own is a `Conflict`
/// with code [`DUPLICATE_CHARGE`]; see [`post_returned_duplicate`].
pub fn record_charge_outcome(
    payment: &Payment,
    attempt: u32,
    outcome: &ChargeOutcome,
    refund: RefundId,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    let answer = match outcome {
        ChargeOutcome::Charged(answer) => answer,
        ChargeOutcome::ActionRequired(answer, action) => {
            return Ok(require_action(payment, attempt, answer, action, now));
        }
        ChargeOutcome::Declined(_) if attempt != payment.attempts => return Ok(None),
        ChargeOutcome::Declined(code) => return Ok(fail(payment, Input::ChargeDeclined, code, now)),
    };
    let Some(charge) = accept(payment.amount, answer) else {
        return Ok(record_mismatch(payment, GatewayOperation::Charge, None, payment.amount, answer, now));
    };
    match next(payment.status, Input::ChargeSucceeded) {
        Transition::To(_) if attempt != payment.attempts && payment.is_open() => {
            Err(Failure::unavailable("payment", "another attempt is charged while the last one has no result"))
        }
        Transition::To(status) => Ok(Some(charged(payment, status, &charge, refund, now))),
        _ if payment.transaction_id.as_deref() == Some(charge.transaction_id()) => Ok(None),
        _ => Err(duplicate_charge(payment, attempt)),
    }
}

/// Posts a charge in addition to the payment's own with the refund that returned it. Nothing else changes.
pub fn post_returned_duplicate(payment: &Payment, transfers: &[Transfer], now: Timestamp) -> PaymentTransition {
    let mut change = PaymentTransition::of(payment, payment.status, now);
    change.transfers.extend_from_slice(transfers);
    change
}

/// Records that the last attempt waits for the customer.
fn require_action(
    payment: &Payment,
    attempt: u32,
    answer: &ReportedTransaction,
    action: &CustomerAction,
    now: Timestamp,
) -> Option<PaymentTransition> {
    if accept(payment.amount, answer).is_none() {
        return record_mismatch(payment, GatewayOperation::Charge, None, payment.amount, answer, now);
    }
    let Transition::To(status) = next(payment.status, Input::ActionRequired) else { return None };
    if attempt != payment.attempts {
        return None;
    }
    let mut change = PaymentTransition::of(payment, status, now);
    change.payment.action = Some(action.clone());
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    change.events.push(PaymentActionRequired { payment_id, order_id, amount, attempt }.into());
    Some(change)
}

fn charged(payment: &Payment, status: State, charge: &Accepted, refund: RefundId, now: Timestamp) -> PaymentTransition {
    let (payment_id, order_id, user_id) = (payment.id, payment.order_id, Some(payment.user_id));
    let amount = charge.amount();
    let transaction_id = charge.transaction_id().to_owned();
    let mut change = PaymentTransition::of(payment, status, now);
    change.payment.transaction_id = Some(transaction_id.clone());
    (change.payment.decline_code, change.payment.action) = (None, None);
    change.post(Purpose::Charge, &transaction_id, None, amount, now);
    change.events.push(PaymentSucceeded { payment_id, order_id, user_id, amount, transaction_id }.into());
    if payment.closed {
        change.refund_the_rest(refund, now);
    }
    change
}

/// Confirms the payment of an order that costs nothing. `None` if it costs something, is decided, or is cancelled.
pub fn confirm_without_charge(payment: &Payment, now: Timestamp) -> Option<PaymentTransition> {
    if !payment.is_free() || payment.closed {
        return None;
    }
    let Transition::To(status) = next(payment.status, Input::NothingToCharge) else { return None };
    let mut change = PaymentTransition::of(payment, status, now);
    let (payment_id, order_id, user_id) = (payment.id, payment.order_id, Some(payment.user_id));
    let amount = payment.amount;
    let transaction_id = NO_PAYMENT_REQUIRED.to_owned();
    change.events.push(PaymentSucceeded { payment_id, order_id, user_id, amount, transaction_id }.into());
    Some(change)
}

/// Gives up the last attempt, which a lookup at the gateway did not find, or found with another amount. `None` while it may still be requested: for
/// [`RECONCILE_AFTER_SECONDS`] after the order was cancelled or, if it is not cancelled, after the end of the retry window.
pub fn abandon_charge(payment: &Payment, now: Timestamp) -> Option<PaymentTransition> {
    let is_over = match payment.closed {
        // Nothing changes a closed payment before its attempt has a result: its last update is its closing.
        true => seconds_since(payment.updated_at, now) >= RECONCILE_AFTER_SECONDS,
        false => is_past_retry_window(payment.attempted_at, now),
    };
    let is_mismatched = payment.mismatches.iter().any(|mismatch| mismatch.movement == GatewayOperation::Charge);
    let code = if is_mismatched { AMOUNT_MISMATCH } else { CHARGE_NOT_FOUND };
    if is_over { fail(payment, Input::ChargeAbandoned, code, now) } else { None }
}

/// The result of an attempt for which the gateway replays an error and a lookup found nothing: declined after [`GIVE_UP_SECONDS`],
/// `None` before that. A failed attempt is not requested again ([`is_due`](super::is_due)). If it was charged after all,
/// [`record_charge_outcome`] still accepts the charge.
pub fn fail_charge_after_gateway_error(payment: &Payment, now: Timestamp) -> Option<ChargeOutcome> {
    let is_over = seconds_since(payment.attempted_at, now) >= GIVE_UP_SECONDS;
    is_over.then(|| ChargeOutcome::Declined(GATEWAY_ERROR.to_owned()))
}

pub(super) fn fail(payment: &Payment, input: Input, code: &str, now: Timestamp) -> Option<PaymentTransition> {
    let Transition::To(status) = next(payment.status, input) else { return None };
    let mut change = PaymentTransition::of(payment, status, now);
    (change.payment.decline_code, change.payment.action) = (Some(code.to_owned()), None);
    let (payment_id, order_id, user_id) = (payment.id, payment.order_id, Some(payment.user_id));
    let (amount, reason) = (payment.amount, Reason::PaymentDeclined);
    change.events.push(PaymentFailed { payment_id, order_id, user_id, amount, reason }.into());
    Some(change)
}

fn duplicate_charge(payment: &Payment, attempt: u32) -> Failure {
    let detail = format!("Attempt {attempt} of payment {} was charged in addition to another attempt.", payment.id);
    Failure::new(FailureKind::Conflict, DUPLICATE_CHARGE, detail)
}

/// Starts another attempt, with `method`, which is not a saved one; see [`PaymentTransition::for_customer`].
///
/// `Conflict`: `order-closed` if the order is cancelled, `already-paid`, `payment-in-progress` while the last attempt has no result,
/// `too-many-attempts` after [`MAX_ATTEMPTS`].
pub fn retry_payment(payment: &Payment, method: PaymentMethod, now: Timestamp) -> Result<PaymentTransition, Failure> {
    let reject = |code, detail: &str| Err(Failure::new(FailureKind::Conflict, code, detail));
    if payment.closed {
        return reject("order-closed", "The order is cancelled; it cannot be paid any more.");
    }
    let Transition::To(status) = next(payment.status, Input::RetryPayment) else {
        return match payment.status {
            Status::Pending => reject("payment-in-progress", "The last payment attempt is still in progress."),
            Status::RequiresAction => {
                reject("payment-in-progress", "The last payment attempt waits for your confirmation; see the payment.")
            }
            _ => reject("already-paid", "The order is already paid."),
        };
    };
    if payment.attempts >= MAX_ATTEMPTS {
        return reject("too-many-attempts", "The order has reached its limit of payment attempts; place a new order.");
    }
    let mut change = PaymentTransition::of(payment, status, now);
    (change.payment.method, change.payment.customer) = (Some(method), None);
    change.payment.attempts += 1;
    change.payment.attempted_at = now;
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, change.payment.attempts);
    change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    Ok(change)
}
