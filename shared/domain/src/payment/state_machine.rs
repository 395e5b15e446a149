//! How a payment moves: every cue in every state as one table, and what each step books and tells.

use super::{
    GATEWAY_ERROR, GIVE_UP_SECONDS, MAX_ATTEMPTS, Payment, RECONCILE_AFTER_SECONDS, REFUND_NOT_FOUND,
    RETRY_WINDOW_SECONDS, Refund, RefundReason, RefundStatus, Status, age,
};
use crate::{
    DomainEvent, Money,
    event::{
        OrderCancelled, PaymentFailed, PaymentRefunded, PaymentRequested, PaymentSucceeded, RefundFailed,
        RefundRequested, StockReserved,
    },
    id::{PaymentId, RefundId},
    ledger::{Purpose, Transfer},
    order::Reason,
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp};

/// A payment's state is its status.
pub type State = Status;

/// What a payment hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// The gateway charged.
    ChargeSucceeded,
    /// The gateway refused to charge.
    ChargeDeclined,
    /// The gateway never heard of the attempt, and nobody will ask it again.
    ChargeAbandoned,
    /// The customer pays again.
    RetryPayment,
    /// Somebody asks for money back.
    RequestRefund,
    /// A part went back.
    RefundedInPart,
    /// The rest went back.
    RefundedInFull,
    /// The gateway refused to give back.
    RefundFailed,
    /// The order was cancelled.
    Close,
}

impl Input {
    /// Every cue.
    pub const ALL: [Self; 9] = [
        Self::ChargeSucceeded,
        Self::ChargeDeclined,
        Self::ChargeAbandoned,
        Self::RetryPayment,
        Self::RequestRefund,
        Self::RefundedInPart,
        Self::RefundedInFull,
        Self::RefundFailed,
        Self::Close,
    ];
}

/// What a cue asks of a payment in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A step; it may lead to where the payment stands already.
    To(State),
    /// Nothing: it is old news.
    Ignore,
    /// It cannot be.
    Reject,
}

/// The table of moves: every cue in every state.
pub const fn next(state: State, cue: Input) -> Transition {
    use Status::{Failed, PartiallyRefunded, Pending, Refunded, Succeeded};
    use Transition::{Ignore, Reject, To};
    match (state, cue) {
        (Pending, Input::ChargeSucceeded) => To(Succeeded),
        (Pending, Input::ChargeDeclined | Input::ChargeAbandoned) => To(Failed),
        // An attempt that was held to have failed, and charged after all: the gateway's word counts.
        (Failed, Input::ChargeSucceeded) => To(Succeeded),
        (Failed, Input::RetryPayment) => To(Pending),
        (Succeeded | PartiallyRefunded, Input::RequestRefund | Input::RefundFailed) => To(state),
        (Succeeded | PartiallyRefunded, Input::RefundedInPart) => To(PartiallyRefunded),
        (Succeeded | PartiallyRefunded, Input::RefundedInFull) => To(Refunded),
        (Pending | Failed | Succeeded | PartiallyRefunded | Refunded, Input::Close) => To(state),

        (Failed, Input::ChargeDeclined | Input::ChargeAbandoned) => Ignore,
        (
            Succeeded | PartiallyRefunded | Refunded,
            Input::ChargeSucceeded | Input::ChargeDeclined | Input::ChargeAbandoned,
        ) => Ignore,

        (Pending | Succeeded | PartiallyRefunded | Refunded, Input::RetryPayment) => Reject,
        (Pending | Failed | Refunded, Input::RequestRefund) => Reject,
        (Pending | Failed | Refunded, Input::RefundedInPart | Input::RefundedInFull | Input::RefundFailed) => Reject,
    }
}

/// A step of a payment: what it is now, what is booked, and what the others are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The payment after it, one version on.
    pub payment: Payment,
    /// What moved.
    pub transfers: Vec<Transfer>,
    /// What is told, in order.
    pub events: Vec<DomainEvent>,
}

/// A final answer of the gateway to a charge. That it did not answer is no answer: it is asked again under the same key while
/// [`super::is_due`] allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// It charged; its name for the transaction.
    Charged(String),
    /// It refused; its code.
    Declined(String),
}

/// A final answer of the gateway to a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// It gave back; its name for that.
    Refunded(String),
    /// It refused; its code.
    Failed(String),
}

/// Begins the payment of an order whose stock is held.
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
        transaction_id: None,
        decline_code: None,
        refunds: vec![],
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The mark of an order that was cancelled before its payment was begun: it never will be.
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
        transaction_id: None,
        decline_code: None,
        refunds: vec![],
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Closes the payment of an order that was cancelled; what was charged goes back, under `refund`. `None` when it is closed already.
pub fn close(payment: &Payment, refund: RefundId, now: Timestamp) -> Option<Change> {
    if payment.closed {
        return None;
    }
    let mut change = Change::of(payment, payment.status, now);
    change.payment.closed = true;
    change.give_back_the_rest(refund, now);
    Some(change)
}

/// Keeps what the gateway answered to `attempt`. `None` when it is old news. What is charged for a cancelled order goes back at
/// once, under `refund`. A charge for an attempt that is not the last one is a `Conflict`: a person has to look.
pub fn record_charge_outcome(
    payment: &Payment,
    attempt: u32,
    answer: &ChargeOutcome,
    refund: RefundId,
    now: Timestamp,
) -> Result<Option<Change>, Failure> {
    if attempt != payment.attempts {
        return match answer {
            ChargeOutcome::Declined(_) => Ok(None),
            ChargeOutcome::Charged(name) if payment.transaction_id.as_ref() == Some(name) => Ok(None),
            ChargeOutcome::Charged(_) => Err(stray(payment, attempt)),
        };
    }
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    match answer {
        ChargeOutcome::Charged(name) => match next(payment.status, Input::ChargeSucceeded) {
            Transition::To(status) => {
                let mut change = Change::of(payment, status, now);
                change.payment.transaction_id = Some(name.clone());
                change.payment.decline_code = None;
                change.book(Purpose::Charge, name, None, amount, now);
                let succeeded = PaymentSucceeded { payment_id, order_id, amount, transaction_id: name.clone() };
                change.events.push(succeeded.into());
                if payment.closed {
                    change.give_back_the_rest(refund, now);
                }
                Ok(Some(change))
            }
            _ if payment.transaction_id.as_ref() == Some(name) => Ok(None),
            _ => Err(stray(payment, attempt)),
        },
        ChargeOutcome::Declined(code) => Ok(fail(payment, Input::ChargeDeclined, code, now)),
    }
}

/// Gives up the last attempt, of which a look-up at the gateway found nothing. `None` while somebody may be asking for it: for
/// [`RECONCILE_AFTER_SECONDS`] after the order was cancelled, or, where it is not, after the last moment at which the attempt is asked for.
pub fn abandon_charge(payment: &Payment, now: Timestamp) -> Option<Change> {
    let is_given_up = match payment.closed {
        // Closing is the last thing that became of it: nothing else does, until the attempt is concluded.
        true => age(payment.updated_at, now) >= RECONCILE_AFTER_SECONDS,
        false => is_forgotten(payment.attempted_at, now),
    };
    if is_given_up { fail(payment, Input::ChargeAbandoned, "charge_not_found", now) } else { None }
}

/// What is made of a refund of which a look-up at the gateway found nothing: it was never made and never will be, once nobody asks
/// for it any more. Before that, nothing.
pub fn abandon_refund(refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    is_forgotten(refund.requested_at, now).then(|| RefundOutcome::Failed(REFUND_NOT_FOUND.to_owned()))
}

/// What is made of the last attempt when the gateway holds a fault under its key and a look-up found nothing: it is declined after
/// [`GIVE_UP_SECONDS`]. Its key is not asked again then, for a failed attempt is not due ([`super::is_due`]); should it turn out to be
/// charged after all, [`record_charge_outcome`] takes that.
pub fn fail_charge_after_gateway_error(payment: &Payment, now: Timestamp) -> Option<ChargeOutcome> {
    (age(payment.attempted_at, now) >= GIVE_UP_SECONDS).then(|| ChargeOutcome::Declined(GATEWAY_ERROR.to_owned()))
}

/// As [`fail_charge_after_gateway_error`], of a refund.
pub fn fail_refund_after_gateway_error(refund: &Refund, now: Timestamp) -> Option<RefundOutcome> {
    (age(refund.requested_at, now) >= GIVE_UP_SECONDS).then(|| RefundOutcome::Failed(REFUND_NOT_FOUND.to_owned()))
}

/// Whether it has not been asked for so long that whoever asked last has died.
fn is_forgotten(since: Timestamp, now: Timestamp) -> bool {
    age(since, now) > RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS
}

fn fail(payment: &Payment, cue: Input, code: &str, now: Timestamp) -> Option<Change> {
    let Transition::To(status) = next(payment.status, cue) else { return None };
    let mut change = Change::of(payment, status, now);
    change.payment.decline_code = Some(code.to_owned());
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    change.events.push(PaymentFailed { payment_id, order_id, amount, reason: Reason::PaymentDeclined }.into());
    Some(change)
}

fn stray(payment: &Payment, attempt: u32) -> Failure {
    let detail = format!("The payment {} was charged for its attempt {attempt} beside another.", payment.id);
    Failure::new(FailureKind::Conflict, "duplicate-charge", detail)
}

/// Begins another attempt, which pays with `method`.
///
/// `Conflict`: `order-closed` when the order is cancelled, `already-paid`, `payment-in-progress` while the gateway has not answered
/// the last attempt, `too-many-attempts` after [`MAX_ATTEMPTS`].
pub fn retry_payment(payment: &Payment, method: PaymentMethod, now: Timestamp) -> Result<Change, Failure> {
    let refuse = |code, detail: &str| Err(Failure::new(FailureKind::Conflict, code, detail));
    if payment.closed {
        return refuse("order-closed", "The order is cancelled; it cannot be paid any more.");
    }
    let Transition::To(status) = next(payment.status, Input::RetryPayment) else {
        return match payment.status {
            Status::Pending => refuse("payment-in-progress", "The last attempt to pay has no answer yet."),
            _ => refuse("already-paid", "The order is paid."),
        };
    };
    if payment.attempts >= MAX_ATTEMPTS {
        return refuse("too-many-attempts", "The order was tried to be paid too often; please place a new one.");
    }
    let mut change = Change::of(payment, status, now);
    change.payment.method = Some(method);
    change.payment.attempts += 1;
    change.payment.attempted_at = now;
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, change.payment.attempts);
    change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    Ok(change)
}

/// Asks for money back: `amount`, or all that is left.
///
/// `Conflict`, `not-refundable`, when nothing was charged or nothing is left; a field error of `/amount` when it is more than is
/// left, or of another currency.
pub fn request_refund(
    payment: &Payment,
    id: RefundId,
    amount: Option<Money>,
    reason: RefundReason,
    now: Timestamp,
) -> Result<Change, Failure> {
    let left = payment.refundable();
    let Transition::To(status) = next(payment.status, Input::RequestRefund) else { return Err(nothing_left(payment)) };
    if left == 0 {
        return Err(nothing_left(payment));
    }
    let left = money(left, payment);
    let amount = amount.unwrap_or(left);
    if amount.currency != left.currency {
        return Err(Failure::field("/amount/currency", format!("must be {}", left.currency.code())));
    }
    if amount.amount.get() == 0 || amount.amount > left.amount {
        return Err(Failure::field("/amount/amount", format!("must be at least 1 and at most {}", left.amount.get())));
    }
    let mut change = Change::of(payment, status, now);
    change.ask(id, amount, reason, now);
    Ok(change)
}

fn nothing_left(payment: &Payment) -> Failure {
    let detail = format!("Nothing of this payment can go back: it is {}.", payment.status.name());
    Failure::new(FailureKind::Conflict, "not-refundable", detail)
}

/// Keeps what the gateway answered to a refund. `None` when that is known.
pub fn record_refund_outcome(
    payment: &Payment,
    id: RefundId,
    answer: &RefundOutcome,
    now: Timestamp,
) -> Result<Option<Change>, Failure> {
    let Some(refund) = payment.refund(id) else { return Err(Failure::not_found("refund")) };
    if refund.status != RefundStatus::Pending {
        return Ok(None);
    }
    let (payment_id, order_id, refund_id, amount) = (payment.id, payment.order_id, id, refund.amount);
    let is_rest = payment.refunded() + amount.amount.get() == payment.amount.amount.get();
    let cue = match answer {
        RefundOutcome::Refunded(_) if is_rest => Input::RefundedInFull,
        RefundOutcome::Refunded(_) => Input::RefundedInPart,
        RefundOutcome::Failed(_) => Input::RefundFailed,
    };
    let Transition::To(status) = next(payment.status, cue) else {
        return Err(Failure::internal(format!("a refund of a payment that is {}", payment.status.name())));
    };
    let mut change = Change::of(payment, status, now);
    let Some(refund) = change.payment.refunds.iter_mut().find(|refund| refund.id == id) else { return Ok(None) };
    match answer {
        RefundOutcome::Refunded(name) => {
            refund.status = RefundStatus::Succeeded;
            refund.transaction_id = Some(name.clone());
            change.book(Purpose::Refund, name, Some(id), amount, now);
            let refunded_amount = change.payment.refunded_amount();
            change.events.push(PaymentRefunded { payment_id, order_id, refund_id, amount, refunded_amount }.into());
        }
        RefundOutcome::Failed(code) => {
            refund.status = RefundStatus::Failed;
            change.events.push(RefundFailed { payment_id, order_id, refund_id, amount, code: code.clone() }.into());
        }
    }
    Ok(Some(change))
}

/// Says again what was asked for and has no answer: the charge of an open payment, and refunds. For a payment whose message was
/// lost to a dead-letter queue. `None` when nothing is missing, or nothing that may still be asked for.
pub fn republish_pending(payment: &Payment, now: Timestamp) -> Option<Change> {
    let (payment_id, order_id, attempt) = (payment.id, payment.order_id, payment.attempts);
    let mut change = Change::of(payment, payment.status, now);
    let is_safe = |since| age(since, now) <= RETRY_WINDOW_SECONDS;
    if payment.status == Status::Pending && !payment.closed && is_safe(payment.attempted_at) {
        change.events.push(PaymentRequested { payment_id, order_id, attempt }.into());
    }
    let waiting = payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
    for refund in waiting.filter(|refund| is_safe(refund.requested_at)) {
        let (refund_id, amount) = (refund.id, refund.amount);
        change.events.push(RefundRequested { payment_id, order_id, refund_id, amount }.into());
    }
    (!change.events.is_empty()).then_some(change)
}

fn money(minor: i64, payment: &Payment) -> Money {
    Money { amount: minor.try_into().unwrap_or(payment.amount.amount), ..payment.amount }
}

impl Change {
    fn of(payment: &Payment, status: Status, now: Timestamp) -> Self {
        let payment = Payment { status, version: payment.version + 1, updated_at: now, ..payment.clone() };
        Self { payment, transfers: vec![], events: vec![] }
    }

    fn book(&mut self, purpose: Purpose, reference: &str, refund_id: Option<RefundId>, amount: Money, at: Timestamp) {
        let (payment_id, reference) = (Some(self.payment.id), reference.to_owned());
        self.transfers.push(Transfer { purpose, reference, payment_id, refund_id, amount, at });
    }

    fn ask(&mut self, id: RefundId, amount: Money, reason: RefundReason, now: Timestamp) {
        let (status, transaction_id) = (RefundStatus::Pending, None);
        self.payment.refunds.push(Refund { id, amount, reason, status, transaction_id, requested_at: now });
        let (payment_id, order_id) = (self.payment.id, self.payment.order_id);
        self.events.push(RefundRequested { payment_id, order_id, refund_id: id, amount }.into());
    }

    fn give_back_the_rest(&mut self, refund: RefundId, now: Timestamp) {
        let left = self.payment.refundable();
        if left > 0 {
            self.ask(refund, money(left, &self.payment), RefundReason::OrderCancelled, now);
        }
    }
}
