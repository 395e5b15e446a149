//! Stock: the reservation of an order, its state machine, and stock levels.
//!
//! [`next`] is the only table of transitions. `cargo xtask codegen` writes it as SQL for PostgreSQL, and the in-memory fake calls it.

pub use crate::stock_level::AdjustmentReason;

use crate::{
    event::{
        OrderPlaced, PaymentRef, ProductCreated, StockAdjusted, StockAllocated, StockAllocationFailed, StockLevel,
        StockLine, StockLow, StockReleased, StockReservationExpired, StockReservationFailed, StockReserved,
        StockShipped,
    },
    id::OrderId,
    order_line::OrderLine,
};
use kernel::{Failure, FailureKind, Timestamp, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;

/// Seconds for which stock is reserved for an unpaid order. After that it is available to other orders; an order that is paid
/// later gets stock if there is any.
pub const RESERVATION_SECONDS: i64 = 30 * 60;

words! {
    /// State of the reservation of an order.
    pub enum State {
        /// All lines are reserved until the reservation expires.
        Reserved,
        /// There was not enough stock when the order was placed; nothing is reserved.
        Failed,
        /// The order was not paid in time; nothing is reserved.
        Expired,
        /// The order is paid, but there was not enough stock. It is allocated as soon as there is.
        Backordered,
        /// The order is paid; all lines are reserved until they are shipped.
        Allocated,
        /// The goods have left; nothing is reserved.
        Shipped,
        /// The order was cancelled; nothing is reserved, and nothing will be.
        Released,
    }
}

impl State {
    /// Whether the lines count towards the `reserved` level of their products.
    pub const fn counts_as_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Allocated)
    }
}

words! {
    /// Input of the state machine. The store decides between an input and its `OutOfStock` variant while it holds the locks of the
    /// stock rows.
    pub enum Input {
        /// The order was placed, and all its lines are available.
        Reserve,
        /// The order was placed, and some line is not available.
        ReserveOutOfStock,
        /// [`RESERVATION_SECONDS`] have passed.
        Expire,
        /// The order is paid, and what is not reserved for it is available.
        Allocate,
        /// The order is paid, and what is not reserved for it is not available.
        AllocateOutOfStock,
        /// The order was shipped.
        Ship,
        /// The order was cancelled.
        Release,
    }
}

/// Effect of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The reservation changes state. Its lines move between available and reserved if only one of both states holds stock.
    To(State),
    /// Nothing changes: the input is out of date or a duplicate.
    Ignore,
    /// The input contradicts the state; its message goes to the dead-letter queue.
    Reject,
}

/// The table of transitions; `None` is an order without a reservation.
pub const fn next(state: Option<State>, input: Input) -> Transition {
    use State::{Allocated, Backordered, Expired, Failed, Released, Reserved, Shipped};
    use Transition::{Ignore, Reject, To};
    match (state, input) {
        (None, Input::Reserve) => To(Reserved),
        (None, Input::ReserveOutOfStock) => To(Failed),
        // A release can arrive before its reservation, which then changes nothing.
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

        // An order is charged only after its stock is reserved, and shipped only after its stock is allocated.
        (None | Some(Failed), Input::Allocate | Input::AllocateOutOfStock) => Reject,
        (None | Some(Reserved | Failed | Expired | Backordered | Released), Input::Ship) => Reject,
        (Some(Shipped), Input::Release) => Reject,
    }
}

/// The failure for [`Transition::Reject`]: `Conflict`, code `invalid-reservation-transition`.
pub fn invalid_transition(state: Option<State>, input: Input) -> Failure {
    let state = state.map_or("none", State::name);
    let detail = format!("The input {} is not valid for a reservation in state {state}.", input.name());
    Failure::new(FailureKind::Conflict, "invalid-reservation-transition", detail)
}

/// The lines to reserve for a placed order, and the two events of which the store commits the one that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Sorted by product id: all reservations lock stock in the same order and cannot deadlock.
    pub lines: Vec<StockLine>,
    /// Published if all lines are available.
    pub reserved: StockReserved,
    /// Published otherwise.
    pub failed: StockReservationFailed,
}

/// When a reservation made at `now` expires.
pub fn expires_at(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, RESERVATION_SECONDS)
}

/// The reservation of a placed order.
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

/// The event of a reservation that expires, like the three that follow without levels, which the store adds.
pub const fn expired(order_id: OrderId) -> StockReservationExpired {
    StockReservationExpired { order_id, levels: vec![] }
}

pub const fn allocated(order_id: OrderId, payment: PaymentRef) -> StockAllocated {
    StockAllocated { order_id, payment, levels: vec![] }
}

pub const fn shipped(order_id: OrderId) -> StockShipped {
    StockShipped { order_id, levels: vec![] }
}

pub const fn released(order_id: OrderId) -> StockReleased {
    StockReleased { order_id, levels: vec![] }
}

/// The event of a paid order for which there is not enough stock; the store adds the lines.
pub const fn allocation_failed(order_id: OrderId, payment: PaymentRef) -> StockAllocationFailed {
    StockAllocationFailed { order_id, lines: vec![], payment }
}

/// The first level of a new product's stock account.
pub fn initial_level(product: &ProductCreated) -> StockLevel {
    let available = i64::from(product.stock_quantity);
    StockLevel { product_id: product.product_id, available, reserved: 0, version: 1 }
}

/// A product with this many available units or fewer runs low.
pub const LOW_STOCK_THRESHOLD: i64 = 5;

/// The alert about a product that runs low.
pub const fn low(level: &StockLevel) -> StockLow {
    StockLow { product_id: level.product_id, available: level.available, threshold: LOW_STOCK_THRESHOLD }
}

/// Whether the product has [`LOW_STOCK_THRESHOLD`] available units or fewer.
pub const fn is_low(level: &StockLevel) -> bool {
    level.available <= LOW_STOCK_THRESHOLD
}

/// Units that one adjustment adds or removes at most.
pub const MAX_ADJUSTMENT: i64 = 1_000_000;

words! {
    /// Cause of a stock movement.
    pub enum StockMovementKind {
        /// The stock account was opened.
        Opened,
        /// Units were reserved for an order.
        Reserved,
        /// Units were allocated to a paid order whose reservation had expired.
        Allocated,
        /// A reservation expired.
        Expired,
        /// The stock of a cancelled order was released.
        Released,
        /// Allocated units were shipped.
        Shipped,
        /// Stock was adjusted by hand.
        Adjusted,
    }
}

/// One change of a product's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMovement {
    pub kind: StockMovementKind,
    /// Change of the units on hand for `Opened` and `Adjusted`; otherwise the change of the reserved units.
    pub quantity: i64,
    /// The level after the movement; its version counts the movements of the product.
    pub level: StockLevel,
    /// The order that caused it, unless the account was opened or adjusted.
    pub order_id: Option<OrderId>,
    /// Reason of an adjustment.
    pub reason: Option<AdjustmentReason>,
    pub at: Timestamp,
}

/// Parses the cursor of a list of movements: the version of the last movement on the page before.
pub fn parse_cursor(text: &str) -> Result<i64, Failure> {
    let version = text.parse().ok().filter(|version| *version > 0);
    version.ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

/// A manual stock adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStock {
    /// Units to add, or to remove if negative. Not zero, at most [`MAX_ADJUSTMENT`] in either direction.
    pub delta: i64,
    /// Reason for the adjustment.
    pub reason: AdjustmentReason,
}

impl AdjustStock {
    /// Checks that `delta` is in range. Fails with `Invalid`, naming the field.
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

/// The level after an adjustment, with its event. Reserved units cannot be removed: `Conflict`, code `insufficient-stock`.
pub fn adjust(level: &StockLevel, adjustment: AdjustStock) -> Result<(StockLevel, StockAdjusted), Failure> {
    let available = level.available.saturating_add(adjustment.delta);
    if available < 0 {
        let detail =
            format!("Only {} units can be removed; {} more are reserved for orders.", level.available, level.reserved);
        return Err(Failure::new(FailureKind::Conflict, "insufficient-stock", detail));
    }
    let after = StockLevel { available, version: level.version + 1, ..*level };
    let (product_id, AdjustStock { delta, reason }) = (level.product_id, adjustment);
    let adjusted = StockAdjusted { product_id, delta, reason, levels: vec![after.clone()] };
    Ok((after, adjusted))
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
