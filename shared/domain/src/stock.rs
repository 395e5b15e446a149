//! Stock: what an order asks the inventory to hold, and what becomes of a hold.

use crate::{
    event::{OrderPlaced, ProductCreated, StockLevel, StockLine, StockReserved, StockShort},
    id::OrderId,
    order::OrderLine,
};
use kernel::{Failure, Kind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds for which stock is held for an order that is not paid yet. Then it is for others; who pays later gets it if it is
/// still there.
pub const HOLD_SECONDS: i64 = 30 * 60;

/// Where the reservation of an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All lines are held until the hold lapses.
    Held,
    /// There was not enough; nothing is held.
    Short,
    /// The hold lapsed; nothing is held.
    Lapsed,
    /// It is paid, and there was not enough any more: it is held once there is.
    Waiting,
    /// It is paid: all lines are held until they are shipped.
    Kept,
    /// All lines have left the house.
    Committed,
    /// The order was cancelled; nothing is held, and nothing will be.
    Released,
}

impl State {
    /// Every state, in the order of a reservation's life.
    pub const ALL: [Self; 7] =
        [Self::Held, Self::Short, Self::Lapsed, Self::Waiting, Self::Kept, Self::Committed, Self::Released];

    /// The word of the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Short => "short",
            Self::Lapsed => "lapsed",
            Self::Waiting => "waiting",
            Self::Kept => "kept",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether its lines are counted as reserved.
    pub const fn holds(self) -> bool {
        matches!(self, Self::Held | Self::Kept)
    }
}

/// What a reservation hears. Whether there is enough is seen under the locks of the stock rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// The order was placed, and there is enough.
    Reserve,
    /// The order was placed, and there is not enough.
    ReserveShort,
    /// [`HOLD_SECONDS`] are over.
    Lapse,
    /// The order is paid, and what it does not hold is there.
    Keep,
    /// The order is paid, and what it does not hold is not there.
    KeepShort,
    /// The order was shipped.
    Commit,
    /// The order was cancelled.
    Release,
}

impl Cue {
    /// Every cue.
    pub const ALL: [Self; 7] =
        [Self::Reserve, Self::ReserveShort, Self::Lapse, Self::Keep, Self::KeepShort, Self::Commit, Self::Release];
}

/// What a cue asks of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// A step; where it begins or ends to hold, the lines move between free and reserved.
    To(State),
    /// Nothing: it is old news.
    Stay,
    /// It cannot be: a dead letter, where a person sees it.
    Refuse,
}

/// The table of moves; `None` is an order of which the inventory has not heard.
pub const fn next(state: Option<State>, cue: Cue) -> Move {
    use Move::{Refuse, Stay, To};
    use State::{Committed, Held, Kept, Lapsed, Released, Short, Waiting};
    match (state, cue) {
        (None, Cue::Reserve) => To(Held),
        (None, Cue::ReserveShort) => To(Short),
        // A release that comes before its reservation leaves its mark, and the reservation does nothing.
        (None, Cue::Release) => To(Released),
        (Some(Held), Cue::Lapse) => To(Lapsed),
        (Some(Held), Cue::Keep | Cue::KeepShort) => To(Kept),
        (Some(Lapsed), Cue::Keep) => To(Kept),
        (Some(Lapsed), Cue::KeepShort) => To(Waiting),
        (Some(Waiting), Cue::Keep) => To(Kept),
        (Some(Kept), Cue::Commit) => To(Committed),
        (Some(Held | Lapsed | Waiting | Kept | Short), Cue::Release) => To(Released),

        (Some(_), Cue::Reserve | Cue::ReserveShort) => Stay,
        (None | Some(Short | Lapsed | Waiting | Kept | Committed | Released), Cue::Lapse) => Stay,
        (Some(Waiting), Cue::KeepShort) => Stay,
        (Some(Kept | Committed | Released), Cue::Keep | Cue::KeepShort) => Stay,
        (Some(Committed), Cue::Commit) => Stay,
        (Some(Released), Cue::Release) => Stay,

        // Nobody is charged for what was not reserved, and nothing is shipped that is not kept.
        (None | Some(Short), Cue::Keep | Cue::KeepShort) => Refuse,
        (None | Some(Held | Short | Lapsed | Waiting | Released), Cue::Commit) => Refuse,
        (Some(Committed), Cue::Release) => Refuse,
    }
}

/// The failure that a refused move is.
pub fn contradiction(state: Option<State>, cue: Cue) -> Failure {
    let is = state.map_or("unknown here", State::name);
    Failure::new(Kind::Conflict, "reservation-contradiction", format!("{cue:?} contradicts a reservation that is {is}"))
}

/// What both answers to a placed order would say; the store commits the one that turns out true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What to hold, in the order of product ids: every hold locks in the same order, so none waits for another in a ring.
    pub lines: Vec<StockLine>,
    /// If all of it is there.
    pub reserved: StockReserved,
    /// If not.
    pub short: StockShort,
}

/// When a hold that begins now lapses.
pub fn lapses_at(now: Timestamp) -> Result<Timestamp, Failure> {
    Timestamp::from_second(now.as_second() + HOLD_SECONDS).map_err(Failure::internal)
}

/// Decides what to hold for an order.
pub fn hold(order: OrderPlaced) -> Hold {
    let mut lines: Vec<StockLine> = order.lines.iter().map(OrderLine::stock_line).collect();
    lines.sort_unstable_by_key(|line| line.product_id);
    Hold {
        reserved: StockReserved {
            order_id: order.order_id,
            user_id: order.user_id,
            amount: order.total_amount,
            payment_method: order.payment_method,
            lines: lines.clone(),
            levels: vec![],
        },
        short: StockShort { order_id: order.order_id, lines: lines.clone(), payment: None },
        lines,
    }
}

/// The level that the account of a new product begins with.
pub fn first_level(product: &ProductCreated) -> StockLevel {
    let available = i64::from(product.stock_quantity);
    StockLevel { product_id: product.product_id, available, reserved: 0, version: 1 }
}

/// At so many free pieces, or fewer, a product runs low.
pub const LOW_STOCK_PIECES: i64 = 5;

/// Whether a product runs low.
pub const fn is_low(level: &StockLevel) -> bool {
    level.available <= LOW_STOCK_PIECES
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
    Kept,
    /// A hold lapsed.
    Lapsed,
    /// A hold was given back.
    Released,
    /// What was held left the house.
    Committed,
    /// Pieces were booked in or out by hand.
    Adjusted,
}

impl MovementKind {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reserved => "reserved",
            Self::Kept => "kept",
            Self::Lapsed => "lapsed",
            Self::Released => "released",
            Self::Committed => "committed",
            Self::Adjusted => "adjusted",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        let all =
            [Self::Opened, Self::Reserved, Self::Kept, Self::Lapsed, Self::Released, Self::Committed, Self::Adjusted];
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
pub fn read_cursor(text: &str) -> Result<i64, Failure> {
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
        return Err(Failure::new(Kind::Conflict, "insufficient-stock", detail));
    }
    Ok(StockLevel { available, version: level.version + 1, ..*level })
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
