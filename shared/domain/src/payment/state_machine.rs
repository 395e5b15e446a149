//! The state machine of a payment: the transition of every input in every state, the transfers that each transition posts and the
//! events that it publishes.

use super::{
    AMOUNT_MISMATCH, Answer, CHARGE_NOT_FOUND, CustomerAction, GATEWAY_ERROR, GIVE_UP_SECONDS, MAX_ATTEMPTS, Movement,
    NO_PAYMENT_REQUIRED, Payment, RECONCILE_AFTER_SECONDS, REFUND_NOT_FOUND, RETRY_WINDOW_SECONDS, Refund,
    RefundReason, RefundStatus, Status,
    amount::{Accepted, accept, record_mismatch},
    seconds_since,
};
use crate::{
    DomainEvent, Money,
    event::{
        OrderCancelled, PaymentActionRequired, PaymentFailed, PaymentRefunded, PaymentRequested, PaymentSucceeded,
        RefundFailed, RefundRequested, StockReserved,
    },
    id::{PaymentId, RefundId},
    ledger::{Purpose, Transfer},
    order_status::Reason,
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp};

/// The state of a payment is its status.
pub type State = Status;

/// A gateway result or command that a payment processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    ChargeSucceeded,
    /// The card wants the customer's consent.
    ActionRequired,
    /// The order costs nothing.
    NothingToCharge,
    ChargeDeclined,
    /// The gateway does not know the attempt, and it will not be requested again.
    ChargeAbandoned,
    /// The customer retries a declined payment.
    RetryPayment,
    RequestRefund,
    /// A refund succeeded and a part of the amount remains.
    RefundedInPart,
    /// A refund succeeded and nothing remains.
    RefundedInFull,
    RefundFailed,
    /// A refund that had succeeded failed, and others remain.
    RefundReturned,
    /// A refund that had succeeded failed, and no other remains.
    AllRefundsReturned,
    /// The order was cancelled.
    Close,
}

impl Input {
    pub const ALL: [Self; 13] = [
        Self::ChargeSucceeded,
        Self::ActionRequired,
        Self::NothingToCharge,
        Self::ChargeDeclined,
        Self::ChargeAbandoned,
        Self::RetryPayment,
        Self::RequestRefund,
        Self::RefundedInPart,
        Self::RefundedInFull,
        Self::RefundFailed,
        Self::RefundReturned,
        Self::AllRefundsReturned,
        Self::Close,
    ];
}

/// What an input does to a payment in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The payment changes and has this state, which may be the same as before.
    To(State),
    /// Nothing changes: the input is outdated.
    Ignore,
    /// The input is invalid in this state.
    Reject,
}

/// The transition table.
pub const fn next(state: State, input: Input) -> Transition {
    use Status::{Failed, NoPaymentRequired, PartiallyRefunded, Pending, Refunded, RequiresAction, Succeeded};
    use Transition::{Ignore, Reject, To};
    match (state, input) {
        (Pending | RequiresAction, Input::ChargeSucceeded) => To(Succeeded),
        (Pending, Input::ActionRequired) => To(RequiresAction),
        (Pending, Input::NothingToCharge) => To(NoPaymentRequired),
        (Pending | RequiresAction, Input::ChargeDeclined | Input::ChargeAbandoned) => To(Failed),
        // The attempt was presumed failed, but the gateway charged: the gateway's record counts.
        (Failed, Input::ChargeSucceeded) => To(Succeeded),
        (Failed, Input::RetryPayment) => To(Pending),
        (Succeeded | PartiallyRefunded, Input::RequestRefund | Input::RefundFailed) => To(state),
        (Succeeded | PartiallyRefunded, Input::RefundedInPart) => To(PartiallyRefunded),
        (Succeeded | PartiallyRefunded, Input::RefundedInFull) => To(Refunded),
        (PartiallyRefunded | Refunded, Input::RefundReturned) => To(PartiallyRefunded),
        (PartiallyRefunded | Refunded, Input::AllRefundsReturned) => To(Succeeded),
        (_, Input::Close) => To(state),

        (RequiresAction, Input::ActionRequired | Input::NothingToCharge) => Ignore,
        (Failed, Input::ActionRequired | Input::NothingToCharge | Input::ChargeDeclined | Input::ChargeAbandoned) => {
            Ignore
        }
        (
            Succeeded | PartiallyRefunded | Refunded | NoPaymentRequired,
            Input::ChargeSucceeded
            | Input::ActionRequired
            | Input::NothingToCharge
            | Input::ChargeDeclined
            | Input::ChargeAbandoned,
        ) => Ignore,

        (
            Pending | RequiresAction | Succeeded | PartiallyRefunded | Refunded | NoPaymentRequired,
            Input::RetryPayment,
        ) => Reject,
        (Pending | RequiresAction | Failed | Refunded | NoPaymentRequired, Input::RequestRefund) => Reject,
        (
            Pending | RequiresAction | Failed | Refunded | NoPaymentRequired,
            Input::RefundedInPart | Input::RefundedInFull,
        ) => Reject,
        // The refund that made it refunded was made at the gateway, and this one failed for lack of money to refund.
        (Refunded, Input::RefundFailed) => To(Refunded),
        (Pending | RequiresAction | Failed | NoPaymentRequired, Input::RefundFailed) => Reject,
        (
            Pending | RequiresAction | Failed | Succeeded | NoPaymentRequired,
            Input::RefundReturned | Input::AllRefundsReturned,
        ) => Reject,
    }
}

/// A changed payment, with the transfers to post and the events to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The payment after the change, with its next version.
    pub payment: Payment,
    pub transfers: Vec<Transfer>,
    /// In the order of publication.
    pub events: Vec<DomainEvent>,
}

/// The final result of a charge. A timeout is not a result: the charge is requested again under the same key while
/// [`is_due`](super::is_due) allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// What the gateway says it charged. It counts once [`accept`](super::accept) has compared it with what was asked.
    Charged(Answer),
    /// The gateway's decline code.
    Declined(String),
    /// Not final: the gateway waits for the customer's consent to a charge of the stated amount.
    ActionRequired(Answer, CustomerAction),
}

/// The final result of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// What the gateway says it refunded; see [`ChargeOutcome::Charged`].
    Refunded(Answer),
    /// The gateway's error code.
    Failed(String),
}

/// Creates the payment of a reserved order, with its first attempt.
pub fn begin(id: PaymentId, order: &StockReserved, now: Timestamp) -> Payment {
    Payment {
        id,
        order_id: order.order_id,
        user_id: order.user_id,
        amount: order.amount,
        method: Some(order.payment_method.clone()),
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
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Closes the payment of a cancelled order and requests the refund `refund` of what was charged. `None` if it is closed already.
pub fn close(payment: &Payment, refund: RefundId, now: Timestamp) -> Option<Change> {
    if payment.closed {
        return None;
    }
    let mut change = Change::of(payment, payment.status, now);
    change.payment.closed = true;
    change.refund_the_rest(refund, now);
    Some(change)
}

/// Records the result of an attempt. `None` if it is outdated. A charge for a cancelled order is refunded at once as `refund`. A
/// charge for an attempt other than the last one is a `Conflict` with code `duplicate-charge`: staff must act. A charge of
/// another amount is recorded for review and changes nothing else.
pub fn record_charge_outcome(
    payment: &Payment,
    attempt: u32,
    outcome: &ChargeOutcome,
    refund: RefundId,
    now: Timestamp,
) -> Result<Option<Change>, Failure> {
    let answer = match outcome {
        ChargeOutcome::Charged(answer) => answer,
        ChargeOutcome::ActionRequired(answer, action) => {
            return Ok(require_action(payment, attempt, answer, action, now));
        }
        ChargeOutcome::Declined(_) if attempt != payment.attempts => return Ok(None),
        ChargeOutcome::Declined(code) => return Ok(fail(payment, Input::ChargeDeclined, code, now)),
    };
    let Some(charge) = accept(payment.amount, answer) else {
        return Ok(record_mismatch(payment, Movement::Charge, None, payment.amount, answer, now));
    };
    match next(payment.status, Input::ChargeSucceeded) {
        Transition::To(status) if attempt == payment.attempts => {
            Ok(Some(charged(payment, status, &charge, refund, now)))
        }
        _ if payment.transaction_id.as_deref() == Some(charge.transaction_id()) => Ok(None),
        _ => Err(duplicate_charge(payment, attempt)),
    }
}

/// Records that the last attempt waits for the customer.
fn require_action(
    payment: &Payment,
    attempt: u32,
    answer: &Answer,
    action: &CustomerAction,
    now: Timestamp,
) -> Option<Change> {
    if accept(payment.amount, answer).is_none() {
        return record_mismatch(payment, Movement::Charge, None, payment.amount, answer, now);
    }
    let Transition::To(status) = next(payment.status, Input::ActionRequired) else { return None };
    if attempt != payment.attempts {
        return None;
    }
    let mut change = Change::of(payment, status, now);
    change.payment.action = Some(action.clone());
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    change.events.push(PaymentActionRequired { payment_id, order_id, amount, attempt }.into());
    Some(change)
}

fn charged(payment: &Payment, status: State, charge: &Accepted, refund: RefundId, now: Timestamp) -> Change {
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, charge.amount());
    let transaction_id = charge.transaction_id().to_owned();
    let mut change = Change::of(payment, status, now);
    change.payment.transaction_id = Some(transaction_id.clone());
    (change.payment.decline_code, change.payment.action) = (None, None);
    change.post(Purpose::Charge, &transaction_id, None, amount, now);
    change.events.push(PaymentSucceeded { payment_id, order_id, amount, transaction_id }.into());
    if payment.closed {
        change.refund_the_rest(refund, now);
    }
    change
}

/// Confirms the payment of an order that costs nothing. `None` if it costs something, is decided, or is cancelled.
pub fn confirm_without_charge(payment: &Payment, now: Timestamp) -> Option<Change> {
    if !payment.is_free() || payment.closed {
        return None;
    }
    let Transition::To(status) = next(payment.status, Input::NothingToCharge) else { return None };
    let mut change = Change::of(payment, status, now);
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    let transaction_id = NO_PAYMENT_REQUIRED.to_owned();
    change.events.push(PaymentSucceeded { payment_id, order_id, amount, transaction_id }.into());
    Some(change)
}

/// Gives up the last attempt, which a lookup at the gateway did not find, or found with another amount. `None` while it may still be requested: for
/// [`RECONCILE_AFTER_SECONDS`] after the order was cancelled or, if it is not cancelled, after the end of the retry window.
pub fn abandon_charge(payment: &Payment, now: Timestamp) -> Option<Change> {
    let is_over = match payment.closed {
        // Nothing changes a closed payment before its attempt has a result: its last update is its closing.
        true => seconds_since(payment.updated_at, now) >= RECONCILE_AFTER_SECONDS,
        false => is_past_retry_window(payment.attempted_at, now),
    };
    let is_mismatched = payment.mismatches.iter().any(|mismatch| mismatch.movement == Movement::Charge);
    let code = if is_mismatched { AMOUNT_MISMATCH } else { CHARGE_NOT_FOUND };
    if is_over { fail(payment, Input::ChargeAbandoned, code, now) } else { None }
}

/// The result of a refund that a lookup at the gateway did not find, or found with another amount: failed, once it is not
/// requested any more. `None` before that.
pub fn abandon_refund(payment: &Payment, refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    let is_mismatched = payment.mismatches.iter().any(|mismatch| mismatch.refund_id == Some(refund.id));
    let code = if is_mismatched { AMOUNT_MISMATCH } else { REFUND_NOT_FOUND };
    is_past_retry_window(refund.requested_at, now).then(|| RefundOutcome::Failed(code.to_owned()))
}

/// The result of an attempt for which the gateway replays an error and a lookup found nothing: declined after [`GIVE_UP_SECONDS`],
/// `None` before that. A failed attempt is not requested again ([`is_due`](super::is_due)). If it was charged after all,
/// [`record_charge_outcome`] still accepts the charge.
pub fn fail_charge_after_gateway_error(payment: &Payment, now: Timestamp) -> Option<ChargeOutcome> {
    let is_over = seconds_since(payment.attempted_at, now) >= GIVE_UP_SECONDS;
    is_over.then(|| ChargeOutcome::Declined(GATEWAY_ERROR.to_owned()))
}

/// As [`fail_charge_after_gateway_error`], for a refund.
pub fn fail_refund_after_gateway_error(refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    let is_over = seconds_since(refund.requested_at, now) >= GIVE_UP_SECONDS;
    is_over.then(|| RefundOutcome::Failed(REFUND_NOT_FOUND.to_owned()))
}

/// Whether the retry window is over for long enough that no request can still be in flight.
fn is_past_retry_window(start: Timestamp, now: Timestamp) -> bool {
    seconds_since(start, now) > RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS
}

fn fail(payment: &Payment, input: Input, code: &str, now: Timestamp) -> Option<Change> {
    let Transition::To(status) = next(payment.status, input) else { return None };
    let mut change = Change::of(payment, status, now);
    (change.payment.decline_code, change.payment.action) = (Some(code.to_owned()), None);
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    change.events.push(PaymentFailed { payment_id, order_id, amount, reason: Reason::PaymentDeclined }.into());
    Some(change)
}

fn duplicate_charge(payment: &Payment, attempt: u32) -> Failure {
    let detail = format!("Attempt {attempt} of payment {} was charged in addition to another attempt.", payment.id);
    Failure::new(FailureKind::Conflict, "duplicate-charge", detail)
}

/// Starts another attempt, with `method`.
///
/// `Conflict`: `order-closed` if the order is cancelled, `already-paid`, `payment-in-progress` while the last attempt has no result,
/// `too-many-attempts` after [`MAX_ATTEMPTS`].
pub fn retry_payment(payment: &Payment, method: PaymentMethod, now: Timestamp) -> Result<Change, Failure> {
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
    let mut change = Change::of(payment, status, now);
    change.payment.method = Some(method);
    change.payment.attempts += 1;
    change.payment.attempted_at = now;
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, change.payment.attempts);
    change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    Ok(change)
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
) -> Result<Change, Failure> {
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
    let mut change = Change::of(payment, status, now);
    change.request_refund(id, amount, reason, now);
    Ok(change)
}

fn not_refundable(payment: &Payment) -> Failure {
    let detail = format!("Nothing of this payment can be refunded: it is {}.", payment.status.name());
    Failure::new(FailureKind::Conflict, "not-refundable", detail)
}

/// Records the result of a refund. `None` if it has one. A refund of another amount is recorded for review and changes nothing else.
pub fn record_refund_outcome(
    payment: &Payment,
    id: RefundId,
    outcome: &RefundOutcome,
    now: Timestamp,
) -> Result<Option<Change>, Failure> {
    let Some(refund) = payment.refund(id) else { return Err(Failure::not_found("refund")) };
    let made = match outcome {
        RefundOutcome::Refunded(answer) => match accept(refund.amount, answer) {
            Some(made) => Ok(made),
            None => return Ok(record_mismatch(payment, Movement::Refund, Some(id), refund.amount, answer, now)),
        },
        RefundOutcome::Failed(code) => Err(code),
    };
    if refund.status != RefundStatus::Pending {
        return Ok(None);
    }
    let (payment_id, order_id, refund_id, amount) = (payment.id, payment.order_id, id, refund.amount);
    let is_rest = payment.refunded() + amount.amount.get() == payment.amount.amount.get();
    let input = match made {
        Ok(_) if is_rest => Input::RefundedInFull,
        Ok(_) => Input::RefundedInPart,
        Err(_) => Input::RefundFailed,
    };
    let Transition::To(status) = next(payment.status, input) else {
        return Err(Failure::internal(format!("a refund of a payment that is {}", payment.status.name())));
    };
    let mut change = Change::of(payment, status, now);
    let Some(refund) = change.payment.refunds.iter_mut().find(|refund| refund.id == id) else { return Ok(None) };
    match made {
        Ok(made) => {
            refund.status = RefundStatus::Succeeded;
            refund.transaction_id = Some(made.transaction_id().to_owned());
            change.post(Purpose::Refund, made.transaction_id(), Some(id), made.amount(), now);
            let refunded_amount = change.payment.refunded_amount();
            change.events.push(PaymentRefunded { payment_id, order_id, refund_id, amount, refunded_amount }.into());
        }
        Err(code) => {
            refund.status = RefundStatus::Failed;
            change.events.push(RefundFailed { payment_id, order_id, refund_id, amount, code: code.clone() }.into());
        }
    }
    Ok(Some(change))
}

/// Publishes the requests of pending attempts and refunds again, for messages that were lost to a dead-letter queue. `None` if
/// nothing is pending within the retry window.
pub fn republish_pending(payment: &Payment, now: Timestamp) -> Option<Change> {
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, payment.attempts);
    let mut change = Change::of(payment, payment.status, now);
    let is_in_retry_window = |start| seconds_since(start, now) <= RETRY_WINDOW_SECONDS;
    if payment.status == Status::Pending && !payment.closed && is_in_retry_window(payment.attempted_at) {
        change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    }
    let pending = payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
    for refund in pending.filter(|refund| is_in_retry_window(refund.requested_at)) {
        let (refund_id, amount) = (refund.id, refund.amount);
        change.events.push(RefundRequested { payment_id, order_id, refund_id, amount }.into());
    }
    (!change.events.is_empty()).then_some(change)
}

fn money(minor: i64, payment: &Payment) -> Money {
    Money { amount: minor.try_into().unwrap_or(payment.amount.amount), ..payment.amount }
}

impl Change {
    /// Whether it records an answer of the gateway that does not match what was asked.
    pub fn is_mismatch(&self) -> bool {
        self.events.iter().any(|event| matches!(event, DomainEvent::PaymentMismatched(_)))
    }

    pub(super) fn of(payment: &Payment, status: Status, now: Timestamp) -> Self {
        let payment = Payment { status, version: payment.version + 1, updated_at: now, ..payment.clone() };
        Self { payment, transfers: vec![], events: vec![] }
    }

    pub(super) fn post(
        &mut self,
        purpose: Purpose,
        reference: &str,
        refund_id: Option<RefundId>,
        amount: Money,
        at: Timestamp,
    ) {
        let (payment_id, reference) = (Some(self.payment.id), reference.to_owned());
        self.transfers.push(Transfer { purpose, reference, payment_id, refund_id, amount, at });
    }

    fn request_refund(&mut self, id: RefundId, amount: Money, reason: RefundReason, now: Timestamp) {
        let (status, transaction_id) = (RefundStatus::Pending, None);
        self.payment.refunds.push(Refund { id, amount, reason, status, transaction_id, requested_at: now });
        let (payment_id, order_id) = (self.payment.id, self.payment.order_id);
        self.events.push(RefundRequested { payment_id, order_id, refund_id: id, amount }.into());
    }

    fn refund_the_rest(&mut self, refund: RefundId, now: Timestamp) {
        let left = self.payment.refundable();
        if left > 0 {
            self.request_refund(refund, money(left, &self.payment), RefundReason::OrderCancelled, now);
        }
    }
}
