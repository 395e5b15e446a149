//! How an order moves: every cue in every state, as one table.

use super::{HistoryEntry, Order, Reason, Status};
use crate::{
    DomainEvent,
    event::{OrderCancelled, OrderConfirmed, OrderDelivered, OrderShipped, OrderWaiting},
    id::PaymentId,
};
use kernel::{Failure, FailureKind, Timestamp};

/// Seconds after which an order that still waits for stock or payment is undone. The hold on its stock lapses long before
/// ([`crate::stock::RESERVATION_SECONDS`]), and is taken again if the payment comes after all and there is stock.
pub const PENDING_TIMEOUT_SECONDS: i64 = 2 * 3600;

/// Where an order stands, with what the status alone does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Placed; its stock is not held yet.
    AwaitingStock,
    /// Its stock is held; the charge is under way.
    AwaitingPayment,
    /// The charge was refused; the customer may pay again.
    Declined,
    /// Paid; waits for stock to come in.
    Backordered,
    /// Paid; there is no stock, and a person decides.
    UnderReview,
    /// Paid, its stock kept: being packed.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Will not come.
    Cancelled,
}

impl State {
    /// Every state, in the order of an order's life.
    pub const ALL: [Self; 9] = [
        Self::AwaitingStock,
        Self::AwaitingPayment,
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

    /// The status that everybody sees.
    pub const fn status(self) -> Status {
        match self {
            Self::AwaitingStock | Self::AwaitingPayment | Self::Declined | Self::Backordered | Self::UnderReview => {
                Status::Pending
            }
            Self::Processing => Status::Processing,
            Self::Shipped => Status::Shipped,
            Self::Delivered => Status::Delivered,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// What becomes of an order that is paid and has no stock any more: a rule of the shop, set per environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShortfallPolicy {
    /// It is cancelled and the money goes back.
    Refund,
    /// It waits for stock.
    Backorder,
    /// A person decides.
    Review,
}

impl ShortfallPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Refund, Self::Backorder, Self::Review];

    /// The word of the setting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Backorder => "backorder",
            Self::Review => "review",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// What an order hears, without its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Its stock is held.
    StockReserved,
    /// There is not enough, and nothing is paid.
    StockReservationFailed,
    /// A charge was begun again.
    PaymentRequested,
    /// The gateway refused the charge.
    PaymentFailed,
    /// It is paid and its stock is kept for it.
    StockAllocated,
    /// It is paid and there is not enough: what the policy says.
    StockAllocationFailed(ShortfallPolicy),
    /// The customer takes it back.
    CancelByCustomer,
    /// The shop takes it back.
    CancelByStaff,
    /// All that was paid for it went back ([`Order::is_fully_refunded`]).
    Refunded,
    /// It stood still for [`PENDING_TIMEOUT_SECONDS`].
    TimedOut,
    /// It was handed to the carrier.
    Ship,
    /// It arrived.
    Deliver,
}

impl Input {
    /// Every cue.
    pub const ALL: [Self; 14] = [
        Self::StockReserved,
        Self::StockReservationFailed,
        Self::PaymentRequested,
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

/// What a cue asks of an order in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A step.
    To(Status, Option<Reason>),
    /// Nothing: it is old news, or asks for what is so already.
    Ignore,
    /// It cannot be. A command is refused (`Conflict`); news that says so ends as a dead letter, where a person sees it.
    Reject,
}

/// The table of moves: every cue in every state.
pub const fn next(state: State, cue: Input) -> Transition {
    use self::State::*;
    use Transition::{Ignore, Reject, To};
    match (state, cue) {
        (AwaitingStock, Input::StockReserved) => To(Status::Pending, Some(Reason::AwaitingPayment)),
        (AwaitingStock, Input::StockReservationFailed) => To(Status::Cancelled, Some(Reason::InsufficientStock)),
        (AwaitingStock | AwaitingPayment | Declined, Input::PaymentRequested) => {
            To(Status::Pending, Some(Reason::AwaitingPayment))
        }
        (AwaitingStock | AwaitingPayment | Declined, Input::PaymentFailed) => {
            To(Status::Pending, Some(Reason::PaymentDeclined))
        }
        (AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview, Input::StockAllocated) => {
            To(Status::Processing, None)
        }
        (AwaitingStock | AwaitingPayment | Declined, Input::StockAllocationFailed(policy)) => match policy {
            ShortfallPolicy::Refund => To(Status::Cancelled, Some(Reason::InsufficientStock)),
            ShortfallPolicy::Backorder => To(Status::Pending, Some(Reason::Backordered)),
            ShortfallPolicy::Review => To(Status::Pending, Some(Reason::UnderReview)),
        },
        (
            AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview | Processing,
            Input::CancelByCustomer,
        ) => To(Status::Cancelled, Some(Reason::CustomerRequest)),
        (AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview | Processing, Input::CancelByStaff) => {
            To(Status::Cancelled, Some(Reason::StaffRequest))
        }
        // Nothing is sent that nobody pays for, even where it is not known yet that the stock is kept.
        (AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview | Processing, Input::Refunded) => {
            To(Status::Cancelled, Some(Reason::Refunded))
        }
        (AwaitingStock, Input::TimedOut) => To(Status::Cancelled, Some(Reason::TimedOut)),
        (AwaitingPayment, Input::TimedOut) => To(Status::Cancelled, Some(Reason::PaymentUnreachable)),
        (Declined, Input::TimedOut) => To(Status::Cancelled, Some(Reason::PaymentDeclined)),
        (Processing, Input::Ship) => To(Status::Shipped, None),
        (Shipped, Input::Deliver) => To(Status::Delivered, None),

        // Old news. A payment's own news is known to be newer before it comes here (`Order::payment_version`).
        (
            AwaitingPayment | Declined | Backordered | UnderReview | Processing | Shipped | Delivered | Cancelled,
            Input::StockReserved,
        ) => Ignore,
        (Processing | Shipped | Delivered | Cancelled, Input::StockAllocated) => Ignore,
        // That there was no stock may arrive after the news that there is: what waited was filled meanwhile.
        (Backordered | UnderReview | Processing | Shipped | Delivered | Cancelled, Input::StockAllocationFailed(_)) => {
            Ignore
        }
        // Payments hear by themselves that an order was cancelled, and give back what they charged.
        (Cancelled, Input::StockReservationFailed | Input::PaymentRequested | Input::PaymentFailed) => Ignore,
        (Cancelled, Input::CancelByCustomer | Input::CancelByStaff) => Ignore,
        // What is on its way is out of our hands; of what is cancelled the money goes back anyway.
        (Shipped | Delivered | Cancelled, Input::Refunded) => Ignore,
        (Backordered | UnderReview | Processing | Shipped | Delivered | Cancelled, Input::TimedOut) => Ignore,

        (AwaitingPayment | Declined | Backordered | UnderReview, Input::StockReservationFailed) => Reject,
        (Backordered | UnderReview, Input::PaymentRequested | Input::PaymentFailed) => Reject,
        (
            Processing | Shipped | Delivered,
            Input::StockReservationFailed | Input::PaymentRequested | Input::PaymentFailed,
        ) => Reject,
        (Shipped | Delivered, Input::CancelByCustomer | Input::CancelByStaff) => Reject,
        (
            AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview | Shipped | Delivered | Cancelled,
            Input::Ship,
        ) => Reject,
        (
            AwaitingStock | AwaitingPayment | Declined | Backordered | UnderReview | Processing | Delivered | Cancelled,
            Input::Deliver,
        ) => Reject,
    }
}

/// A cue with its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// What it is.
    pub input: Input,
    /// The payment that it is about, and that payment's version.
    pub payment: Option<(PaymentId, u64)>,
}

impl From<Input> for Update {
    fn from(input: Input) -> Self {
        Self { input, payment: None }
    }
}

/// Moves an order on, or says that the news changes nothing (`None`).
///
/// Update that contradicts what the order already knows (not enough stock, yet shipped) is a `Conflict`, code
/// `invalid-order-transition`: it ends in a dead-letter queue.
pub fn advance(order: &Order, news: Update, now: Timestamp) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    let is_old = news.payment.is_some_and(|(_, version)| version <= order.payment_version);
    // That stock is kept for a paid order stays true, however old it is.
    if is_old && !matches!(news.input, Input::StockAllocated | Input::StockAllocationFailed(_)) {
        return Ok(None);
    }
    match next(State::of(order.status, order.reason), news.input) {
        Transition::Ignore => Ok(None),
        Transition::To(status, reason) => Ok(Some(step(order, status, reason, news.payment, now))),
        Transition::Reject => {
            let detail = format!("{:?} contradicts an order that is {}", news.input, order.status.name());
            Err(Failure::new(FailureKind::Conflict, "invalid-order-transition", detail))
        }
    }
}

/// What a person asks of an order: as [`advance`], but what cannot be is a `Conflict` for that person, code
/// `order-not-cancellable` or `transition-forbidden`.
pub fn apply_command(
    order: &Order,
    cue: Input,
    now: Timestamp,
) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    advance(order, cue.into(), now).map_err(|_| {
        let is = order.status.name();
        match cue {
            Input::CancelByCustomer | Input::CancelByStaff => Failure::new(
                FailureKind::Conflict,
                "order-not-cancellable",
                format!("An order that is {is} cannot be cancelled any more."),
            ),
            _ => Failure::new(
                FailureKind::Conflict,
                "transition-forbidden",
                format!("An order that is {is} cannot become that; see its status_reason and history."),
            ),
        }
    })
}

/// What a person hears who decided on another version of the order than it has: `PreconditionFailed`, code `precondition-failed`.
pub fn version_mismatch() -> Failure {
    let detail = "The order has moved since; read it again and decide anew.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}

/// Whether an order has stood still for too long at `now`.
pub fn is_stuck(order: &Order, now: Timestamp) -> bool {
    let is_old = now.as_second() - order.created_at.as_second() >= PENDING_TIMEOUT_SECONDS;
    is_old && matches!(next(State::of(order.status, order.reason), Input::TimedOut), Transition::To(..))
}

fn step(
    order: &Order,
    status: Status,
    reason: Option<Reason>,
    payment: Option<(PaymentId, u64)>,
    now: Timestamp,
) -> (Order, Option<DomainEvent>) {
    let mut moved = Order { status, reason, version: order.version + 1, updated_at: now, ..order.clone() };
    if let Some((id, version)) = payment {
        moved.payment_id = Some(id);
        moved.payment_version = moved.payment_version.max(version);
    }
    moved.history.push(HistoryEntry { status, at: now, reason });
    let event = event(&moved);
    (moved, event)
}

/// What the others are told of an order that has just come here.
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
            Some(OrderShipped { order_id, user_id, lines, shipping_address }.into())
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
        total_amount: order.total,
        shipping_address: order.shipping_address.clone(),
        payment_id,
        placed_at: order.created_at,
    }
}
