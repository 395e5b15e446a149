//! Stock: what an order asks the inventory to hold, and what becomes of a hold.

use crate::{
    event::{OrderPlaced, ProductCreated, StockLevel, StockLine, StockReservationFailed, StockReserved},
    id::OrderId,
    order::OrderLine,
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds for which stock is held for an order that is not paid yet. Then it is for others; who pays later gets it if it is
/// still there.
pub const RESERVATION_SECONDS: i64 = 30 * 60;

/// Where the reservation of an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All lines are held until the hold lapses.
    Reserved,
    /// There was not enough; nothing is held.
    Failed,
    /// The hold lapsed; nothing is held.
    Expired,
    /// It is paid, and there was not enough any more: it is held once there is.
    Backordered,
    /// It is paid: all lines are held until they are shipped.
    Allocated,
    /// All lines have left the house.
    Shipped,
    /// The order was cancelled; nothing is held, and nothing will be.
    Released,
}

impl State {
    /// Every state, in the order of a reservation's life.
    pub const ALL: [Self; 7] = [
        Self::Reserved,
        Self::Failed,
        Self::Expired,
        Self::Backordered,
        Self::Allocated,
        Self::Shipped,
        Self::Released,
    ];

    /// The word of the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Backordered => "backordered",
            Self::Allocated => "allocated",
            Self::Shipped => "shipped",
            Self::Released => "released",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether its lines are counted as reserved.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Reserved | Self::Allocated)
    }
}

/// What a reservation hears. Whether there is enough is seen under the locks of the stock rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// The order was placed, and there is enough.
    Reserve,
    /// The order was placed, and there is not enough.
    ReserveOutOfStock,
    /// [`RESERVATION_SECONDS`] are over.
    Expire,
    /// The order is paid, and what it does not hold is there.
    Allocate,
    /// The order is paid, and what it does not hold is not there.
    AllocateOutOfStock,
    /// The order was shipped.
    Ship,
    /// The order was cancelled.
    Release,
}

impl Input {
    /// Every cue.
    pub const ALL: [Self; 7] = [
        Self::Reserve,
        Self::ReserveOutOfStock,
        Self::Expire,
        Self::Allocate,
        Self::AllocateOutOfStock,
        Self::Ship,
        Self::Release,
    ];
}

/// What a cue asks of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A step; where it begins or ends to hold, the lines move between free and reserved.
    To(State),
    /// Nothing: it is old news.
    Ignore,
    /// It cannot be: a dead letter, where a person sees it.
    Reject,
}

/// The table of moves; `None` is an order of which the inventory has not heard.
pub const fn next(state: Option<State>, cue: Input) -> Transition {
    use State::{Allocated, Backordered, Expired, Failed, Released, Reserved, Shipped};
    use Transition::{Ignore, Reject, To};
    match (state, cue) {
        (None, Input::Reserve) => To(Reserved),
        (None, Input::ReserveOutOfStock) => To(Failed),
        // A release that comes before its reservation leaves its mark, and the reservation does nothing.
        (None, Input::Release) => To(Released),
        (Some(Reserved), Input::Expire) => To(Expired),
        (Some(Reserved), Input::Allocate | Input::AllocateOutOfStock) => To(Allocated),
        (Some(Expired), Input::Allocate) => To(Allocated),
        (Some(Expired), Input::AllocateOutOfStock) => To(Backordered),
        (Some(Backordered), Input::Allocate) => To(Allocated),
        (Some(Allocated), Input::Ship) => To(Shipped),
        (Some(Reserved | Expired | Backordered | Allocated | Failed), Input::Release) => To(Released),

        (Some(_), Input::Reserve | Input::ReserveOutOfStock) => Ignore,
        (None | Some(Failed | Expired | Backordered | Allocated | Shipped | Released), Input::Expire) => Ignore,
        (Some(Backordered), Input::AllocateOutOfStock) => Ignore,
        (Some(Allocated | Shipped | Released), Input::Allocate | Input::AllocateOutOfStock) => Ignore,
        (Some(Shipped), Input::Ship) => Ignore,
        (Some(Released), Input::Release) => Ignore,

        // Nobody is charged for what was not reserved, and nothing is shipped that is not kept.
        (None | Some(Failed), Input::Allocate | Input::AllocateOutOfStock) => Reject,
        (None | Some(Reserved | Failed | Expired | Backordered | Released), Input::Ship) => Reject,
        (Some(Shipped), Input::Release) => Reject,
    }
}

/// The failure that a refused move is.
pub fn invalid_transition(state: Option<State>, cue: Input) -> Failure {
    let is = state.map_or("unknown here", State::name);
    Failure::new(
        FailureKind::Conflict,
        "invalid-reservation-transition",
        format!("{cue:?} contradicts a reservation that is {is}"),
    )
}

/// What both answers to a placed order would say; the store commits the one that turns out true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What to hold, in the order of product ids: every hold locks in the same order, so none waits for another in a ring.
    pub lines: Vec<StockLine>,
    /// If all of it is there.
    pub reserved: StockReserved,
    /// If not.
    pub failed: StockReservationFailed,
}

/// When a hold that begins now lapses.
pub fn expires_at(now: Timestamp) -> Result<Timestamp, Failure> {
    Timestamp::from_second(now.as_second() + RESERVATION_SECONDS).map_err(Failure::internal)
}

/// Decides what to hold for an order.
pub fn reserve(order: OrderPlaced) -> Reservation {
    let mut lines: Vec<StockLine> = order.lines.iter().map(OrderLine::stock_line).collect();
    lines.sort_unstable_by_key(|line| line.product_id);
    Reservation {
        reserved: StockReserved {
            order_id: order.order_id,
            user_id: order.user_id,
            amount: order.total_amount,
            payment_method: order.payment_method,
            lines: lines.clone(),
            levels: vec![],
        },
        failed: StockReservationFailed { order_id: order.order_id, lines: lines.clone() },
        lines,
    }
}

/// The level that the account of a new product begins with.
pub fn initial_level(product: &ProductCreated) -> StockLevel {
    let available = i64::from(product.stock_quantity);
    StockLevel { product_id: product.product_id, available, reserved: 0, version: 1 }
}

/// At so many free pieces, or fewer, a product runs low.
pub const LOW_STOCK_THRESHOLD: i64 = 5;

/// Whether a product runs low.
pub const fn is_low(level: &StockLevel) -> bool {
    level.available <= LOW_STOCK_THRESHOLD
}

/// Pieces that can be booked in or out at once.
pub const MAX_ADJUSTMENT: i64 = 1_000_000;

/// Why pieces are booked in or out by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentReason {
    /// A delivery came in.
    Received,
    /// A customer sent them back.
    Returned,
    /// They cannot be sold any more.
    Damaged,
    /// They are not where they should be.
    Lost,
    /// They were found again.
    Found,
    /// Counted, and the figure was wrong.
    Recount,
}

impl AdjustmentReason {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Returned => "returned",
            Self::Damaged => "damaged",
            Self::Lost => "lost",
            Self::Found => "found",
            Self::Recount => "recount",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Received, Self::Returned, Self::Damaged, Self::Lost, Self::Found, Self::Recount];
        all.into_iter().find(|reason| reason.name() == name)
    }
}

/// What moved the stock of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// Its account was opened.
    Opened,
    /// An order took a hold.
    Reserved,
    /// An order that is paid took a hold again.
    Allocated,
    /// A hold lapsed.
    Expired,
    /// A hold was given back.
    Released,
    /// What was held left the house.
    Shipped,
    /// Pieces were booked in or out by hand.
    Adjusted,
}

impl MovementKind {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reserved => "reserved",
            Self::Allocated => "allocated",
            Self::Expired => "expired",
            Self::Released => "released",
            Self::Shipped => "shipped",
            Self::Adjusted => "adjusted",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Opened,
            Self::Reserved,
            Self::Allocated,
            Self::Expired,
            Self::Released,
            Self::Shipped,
            Self::Adjusted,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// One change of a product's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What moved it.
    pub kind: MovementKind,
    /// How many pieces came in, where it was opened or adjusted; elsewhere how many more are held for orders. Below zero: fewer.
    pub quantity: i64,
    /// The level after it; its version counts the movements.
    pub level: StockLevel,
    /// For which order.
    pub order_id: Option<OrderId>,
    /// Why it was booked by hand.
    pub reason: Option<AdjustmentReason>,
    /// When.
    pub at: Timestamp,
}

/// Reads the cursor of a list of movements: the version that the page before ended with.
pub fn parse_cursor(text: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| Failure::field("?cursor", "is not a cursor of this list"))
}

/// What is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStock {
    /// How many come in; below zero, how many go. Not zero, at most [`MAX_ADJUSTMENT`] either way.
    pub delta: i64,
    /// Why.
    pub reason: AdjustmentReason,
}

impl AdjustStock {
    /// Refuses a number that cannot be meant: `Invalid`, with the field.
    pub fn check(&self) -> Result<(), Failure> {
        match self.delta {
            0 => Err(Failure::field("/delta", "must not be zero")),
            delta if delta.abs_diff(0) > MAX_ADJUSTMENT.abs_diff(0) => {
                Err(Failure::field("/delta", format!("must be between -{MAX_ADJUSTMENT} and {MAX_ADJUSTMENT}")))
            }
            _ => Ok(()),
        }
    }
}

/// The level after pieces were booked in or out. What is held for orders cannot go: `Conflict`, code `insufficient-stock`.
pub fn adjust(level: &StockLevel, wish: AdjustStock) -> Result<StockLevel, Failure> {
    let available = level.available.saturating_add(wish.delta);
    if available < 0 {
        let detail = format!("Only {} can go; {} more are held for orders.", level.available, level.reserved);
        return Err(Failure::new(FailureKind::Conflict, "insufficient-stock", detail));
    }
    Ok(StockLevel { available, version: level.version + 1, ..*level })
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
