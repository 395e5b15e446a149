//! The state machine of an order: the transition of every input in every state, and the event that each transition publishes.

use super::{HistoryEntry, Order, PaymentVersion, Reason, Status, Update};
use crate::{
    DomainEvent,
    event::{OrderCancelled, OrderConfirmed, OrderDelivered, OrderShipped, OrderWaiting},
    id::PaymentId,
};
use kernel::{Failure, FailureKind, Timestamp, seconds_after};

/// Seconds after placement at which an order that still awaits stock or payment is cancelled. Its reservation expires earlier
/// ([`crate::stock::RESERVATION_SECONDS`]); if the payment succeeds in between, the order is allocated when stock allows.
pub const PENDING_TIMEOUT_SECONDS: i64 = 2 * 3600;

/// The state of an order: its [`Status`], with `Pending` split by what the order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Placed; stock is not reserved yet.
    AwaitingStock,
    /// Reserved; the charge is pending.
    AwaitingPayment,
    /// The charge requires the customer's consent, such as 3-D Secure.
    AwaitingCustomer,
    /// The charge was declined; the customer may retry.
    Declined,
    /// Paid; waits for stock.
    Backordered,
    /// Paid; stock is not available, and staff must decide.
    UnderReview,
    /// Paid and allocated; ready to be shipped.
    Processing,
    Shipped,
    Delivered,
    Cancelled,
}

impl State {
    /// Every state, in the order of an order's life.
    pub const ALL: [Self; 10] = [
        Self::AwaitingStock,
        Self::AwaitingPayment,
        Self::AwaitingCustomer,
        Self::Declined,
        Self::Backordered,
        Self::UnderReview,
        Self::Processing,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// The state of an order with this status and reason.
    pub const fn of(status: Status, reason: Option<Reason>) -> Self {
        match (status, reason) {
            (Status::Pending, Some(Reason::AwaitingPayment)) => Self::AwaitingPayment,
            (Status::Pending, Some(Reason::AwaitingCustomer)) => Self::AwaitingCustomer,
            (Status::Pending, Some(Reason::PaymentDeclined)) => Self::Declined,
            (Status::Pending, Some(Reason::Backordered)) => Self::Backordered,
            (Status::Pending, Some(Reason::UnderReview)) => Self::UnderReview,
            (Status::Pending, _) => Self::AwaitingStock,
            (Status::Processing, _) => Self::Processing,
            (Status::Shipped, _) => Self::Shipped,
            (Status::Delivered, _) => Self::Delivered,
            (Status::Cancelled, _) => Self::Cancelled,
        }
    }

    /// Whether the order is open and not known to be paid: orders learn of a payment when its stock is allocated.
    pub const fn is_unpaid(self) -> bool {
        matches!(self, Self::AwaitingStock | Self::AwaitingPayment | Self::AwaitingCustomer | Self::Declined)
    }

    /// The status that customers see.
    pub const fn status(self) -> Status {
        match self {
            Self::AwaitingStock
            | Self::AwaitingPayment
            | Self::AwaitingCustomer
            | Self::Declined
            | Self::Backordered
            | Self::UnderReview => Status::Pending,
            Self::Processing => Status::Processing,
            Self::Shipped => Status::Shipped,
            Self::Delivered => Status::Delivered,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

words! {
    /// What happens to a paid order that cannot be allocated; configured per environment.
    pub enum ShortfallPolicy {
        /// It is cancelled and refunded.
        Refund,
        /// It waits for stock.
        Backorder,
        /// It waits for staff to decide.
        Review,
    }
}

/// An event or command that an order processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    StockReserved,
    StockReservationFailed,
    /// A charge was requested again.
    PaymentRequested,
    /// The charge requires the customer's consent.
    PaymentActionRequired,
    PaymentFailed,
    StockAllocated,
    /// The outcome depends on the policy.
    StockAllocationFailed(ShortfallPolicy),
    CancelByCustomer,
    CancelByStaff,
    /// The payment was refunded in full ([`Order::is_fully_refunded`]).
    Refunded,
    /// [`PENDING_TIMEOUT_SECONDS`] have passed since placement.
    TimedOut,
    Ship,
    Deliver,
}

impl Input {
    pub const ALL: [Self; 15] = [
        Self::StockReserved,
        Self::StockReservationFailed,
        Self::PaymentRequested,
        Self::PaymentActionRequired,
        Self::PaymentFailed,
        Self::StockAllocated,
        Self::StockAllocationFailed(ShortfallPolicy::Refund),
        Self::StockAllocationFailed(ShortfallPolicy::Backorder),
        Self::StockAllocationFailed(ShortfallPolicy::Review),
        Self::CancelByCustomer,
        Self::CancelByStaff,
        Self::Refunded,
        Self::TimedOut,
        Self::Ship,
        Self::Deliver,
    ];
}

/// What an input does to an order in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The order changes to this status and reason.
    To(Status, Option<Reason>),
    /// Nothing changes: the input is outdated or was already applied.
    Ignore,
    /// The input is invalid in this state. Commands are rejected with `Conflict`; events go to the dead-letter queue.
    Reject,
}

/// The transition table.
pub const fn next(state: State, input: Input) -> Transition {
    use self::State::*;
    use Transition::{Ignore, Reject, To};
    match (state, input) {
        (AwaitingStock, Input::StockReserved) => To(Status::Pending, Some(Reason::AwaitingPayment)),
        (AwaitingStock, Input::StockReservationFailed) => To(Status::Cancelled, Some(Reason::InsufficientStock)),
        (AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined, Input::PaymentRequested) => {
            To(Status::Pending, Some(Reason::AwaitingPayment))
        }
        (AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined, Input::PaymentActionRequired) => {
            To(Status::Pending, Some(Reason::AwaitingCustomer))
        }
        (AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined, Input::PaymentFailed) => {
            To(Status::Pending, Some(Reason::PaymentDeclined))
        }
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview,
            Input::StockAllocated,
        ) => To(Status::Processing, None),
        (AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined, Input::StockAllocationFailed(policy)) => {
            match policy {
                ShortfallPolicy::Refund => To(Status::Cancelled, Some(Reason::InsufficientStock)),
                ShortfallPolicy::Backorder => To(Status::Pending, Some(Reason::Backordered)),
                ShortfallPolicy::Review => To(Status::Pending, Some(Reason::UnderReview)),
            }
        }
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Processing,
            Input::CancelByCustomer,
        ) => To(Status::Cancelled, Some(Reason::CustomerRequest)),
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Processing,
            Input::CancelByStaff,
        ) => To(Status::Cancelled, Some(Reason::StaffRequest)),
        // A refunded order must not be shipped, even if the event that its stock is allocated has not arrived yet.
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Processing,
            Input::Refunded,
        ) => To(Status::Cancelled, Some(Reason::Refunded)),
        (AwaitingStock | AwaitingCustomer, Input::TimedOut) => To(Status::Cancelled, Some(Reason::TimedOut)),
        (AwaitingPayment, Input::TimedOut) => To(Status::Cancelled, Some(Reason::PaymentUnreachable)),
        (Declined, Input::TimedOut) => To(Status::Cancelled, Some(Reason::PaymentDeclined)),
        (Processing, Input::Ship) => To(Status::Shipped, None),
        (Shipped, Input::Deliver) => To(Status::Delivered, None),

        // Outdated. Payment events are compared with `Order::payment_version` before they come here.
        (
            AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Processing | Shipped
            | Delivered | Cancelled,
            Input::StockReserved,
        ) => Ignore,
        (Processing | Shipped | Delivered | Cancelled, Input::StockAllocated) => Ignore,
        // Events may arrive out of order: the backorder may have been allocated meanwhile.
        (Backordered | UnderReview | Processing | Shipped | Delivered | Cancelled, Input::StockAllocationFailed(_)) => {
            Ignore
        }
        // The payment is closed by the cancellation and refunds what it charges after that.
        (
            Cancelled,
            Input::StockReservationFailed
            | Input::PaymentRequested
            | Input::PaymentActionRequired
            | Input::PaymentFailed,
        ) => Ignore,
        (Cancelled, Input::CancelByCustomer | Input::CancelByStaff) => Ignore,
        // A shipped order cannot be stopped; a cancelled one is refunded anyway.
        (Shipped | Delivered | Cancelled, Input::Refunded) => Ignore,
        (Backordered | UnderReview | Processing | Shipped | Delivered | Cancelled, Input::TimedOut) => Ignore,

        (AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview, Input::StockReservationFailed) => {
            Reject
        }
        (Backordered | UnderReview, Input::PaymentRequested | Input::PaymentActionRequired | Input::PaymentFailed) => {
            Reject
        }
        (
            Processing | Shipped | Delivered,
            Input::StockReservationFailed
            | Input::PaymentRequested
            | Input::PaymentActionRequired
            | Input::PaymentFailed,
        ) => Reject,
        (Shipped | Delivered, Input::CancelByCustomer | Input::CancelByStaff) => Reject,
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Shipped
            | Delivered | Cancelled,
            Input::Ship,
        ) => Reject,
        (
            AwaitingStock | AwaitingPayment | AwaitingCustomer | Declined | Backordered | UnderReview | Processing
            | Delivered | Cancelled,
            Input::Deliver,
        ) => Reject,
    }
}

/// Applies an update and returns the changed order with the event to publish, or `None` if the update changes nothing.
///
/// An update that the state does not allow is a `Conflict` with code `invalid-order-transition`, which consumers dead-letter.
pub fn advance(order: &Order, update: Update, now: Timestamp) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    if update.refunded.is_some_and(|refunded| !order.is_fully_refunded(refunded)) {
        return Ok(None);
    }
    let is_outdated = update.payment.is_some_and(|payment| payment.version <= order.payment_version);
    // An allocation, or that it failed, stays valid when the payment has changed since.
    if is_outdated && !matches!(update.input, Input::StockAllocated | Input::StockAllocationFailed(_)) {
        return Ok(None);
    }
    match next(State::of(order.status, order.reason), update.input) {
        Transition::Ignore => Ok(None),
        Transition::To(status, reason) => {
            let (changed, event) = transition(order, status, reason, update.payment, now);
            // A payment reminds of its charge: a new version would refuse the commands of those who have read this one.
            let is_known = (status, reason, changed.payment_id) == (order.status, order.reason, order.payment_id);
            Ok((!is_known || event.is_some()).then_some((changed, event)))
        }
        Transition::Reject => {
            let detail = format!("{:?} is invalid for an order that is {}", update.input, order.status.name());
            Err(Failure::new(FailureKind::Conflict, "invalid-order-transition", detail))
        }
    }
}

/// Applies a command of a user: as [`advance`], but a transition that the state does not allow is a `Conflict` for the user, with
/// code `order-not-cancellable` or `transition-forbidden`.
pub fn apply_command(
    order: &Order,
    input: Input,
    now: Timestamp,
) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    advance(order, input.into(), now).map_err(|_| {
        let status = order.status.name();
        match input {
            Input::CancelByCustomer | Input::CancelByStaff => Failure::new(
                FailureKind::Conflict,
                "order-not-cancellable",
                format!("An order that is {status} cannot be cancelled any more."),
            ),
            _ => Failure::new(
                FailureKind::Conflict,
                "transition-forbidden",
                format!("An order that is {status} does not allow this transition; see its status_reason and history."),
            ),
        }
    })
}

/// The failure of a command for another version of the order: `PreconditionFailed`, code `precondition-failed`.
pub fn version_mismatch() -> Failure {
    let detail = "The order has changed; fetch it and retry with its current version.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}

/// The time before which a stuck order was placed.
pub fn stuck_before(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, -PENDING_TIMEOUT_SECONDS)
}

/// Cancels the order if it is not known to be paid [`PENDING_TIMEOUT_SECONDS`] after placement; otherwise as [`advance`].
pub fn time_out(order: &Order, now: Timestamp) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    if is_stuck(order, now) { advance(order, Input::TimedOut.into(), now) } else { Ok(None) }
}

/// Whether the order is not known to be paid [`PENDING_TIMEOUT_SECONDS`] after placement.
fn is_stuck(order: &Order, now: Timestamp) -> bool {
    let is_old = now.as_second() - order.created_at.as_second() >= PENDING_TIMEOUT_SECONDS;
    is_old && matches!(next(State::of(order.status, order.reason), Input::TimedOut), Transition::To(..))
}

fn transition(
    order: &Order,
    status: Status,
    reason: Option<Reason>,
    payment: Option<PaymentVersion>,
    now: Timestamp,
) -> (Order, Option<DomainEvent>) {
    let mut changed = Order { status, reason, version: order.version + 1, updated_at: now, ..order.clone() };
    if let Some(PaymentVersion { id, version }) = payment {
        changed.payment_id = Some(id);
        changed.payment_version = changed.payment_version.max(version);
    }
    changed.history.push(HistoryEntry { status, at: now, reason });
    let event = event(&changed);
    (changed, event)
}

/// The event of an order that has just entered its state.
fn event(order: &Order) -> Option<DomainEvent> {
    let (order_id, user_id) = (order.id, order.user_id);
    match (State::of(order.status, order.reason), order.reason, order.payment_id) {
        (State::Processing, _, Some(payment_id)) => Some(confirmed(order, payment_id).into()),
        (State::Cancelled, Some(reason), payment_id) => {
            Some(OrderCancelled { order_id, user_id, total_amount: order.total, reason, payment_id }.into())
        }
        (State::Declined | State::Backordered | State::UnderReview, Some(reason), _) => {
            Some(OrderWaiting { order_id, user_id, total_amount: order.total, reason }.into())
        }
        (State::Shipped, ..) => {
            let (lines, shipping_address) = (order.lines.clone(), order.shipping_address.clone());
            let tracking = order.tracking.clone();
            Some(OrderShipped { order_id, user_id, lines, shipping_address, tracking }.into())
        }
        (State::Delivered, ..) => Some(OrderDelivered { order_id, user_id }.into()),
        _ => None,
    }
}

fn confirmed(order: &Order, payment_id: PaymentId) -> OrderConfirmed {
    OrderConfirmed {
        order_id: order.id,
        user_id: order.user_id,
        lines: order.lines.clone(),
        totals: Some(order.totals.clone()),
        total_amount: order.total,
        shipping_address: order.shipping_address.clone(),
        area: Some(order.shipping_address.area()),
        payment_id,
        placed_at: order.created_at,
    }
}
