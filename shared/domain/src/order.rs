//! Orders: placement, and the transitions between their states.

mod address_change;
mod commands;
mod filter;
mod limits;
mod note;
mod prices;
mod pricing;
mod state_machine;
mod update;
mod waiting;

pub use crate::{
    order_line::{MAX_QUANTITY, OrderLine, Quantity, Tracking},
    order_number::OrderNumber,
    order_status::{Reason, Status},
};
pub use address_change::{address_change_note, change_address};
pub use commands::{UpdateStatus, update_status};
pub use filter::{Filter, Sort};
pub use limits::{
    DELAY, ORDERS_DELAYED, OrderLimits, TOO_MANY_UNPAID_ORDERS, TOO_MANY_UNPAID_UNITS, is_delayed, orders_delayed,
    too_many_unpaid_orders, too_many_unpaid_units,
};
pub use note::{AddNote, Note};
pub use prices::{PRICE_CHANGED, ProductSnapshot, is_final, unknown};
pub use pricing::Rates;
pub use state_machine::{
    Input, PENDING_TIMEOUT_SECONDS, ShortfallPolicy, State, Transition, advance, apply_command, next, stuck_before,
    time_out, version_mismatch,
};
pub use update::{PaymentVersion, Update};
pub use waiting::{NextStep, STUCK_AFTER_MINUTES, Wait, placed_before, wait};

use crate::{
    Money,
    address::Address,
    event::OrderPlaced,
    id::{OrderId, PaymentId, ProductId, UserId},
    payment,
    text::{PaymentMethod, ShippingMethod},
    totals::Totals,
};
use kernel::{Failure, FieldError, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of lines in one order. An environment may allow fewer.
pub const MAX_LINES: usize = 100;

/// A requested product and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub product_id: ProductId,
    pub quantity: Quantity,
    /// The price of one unit that the customer was shown. If the price is another one, nothing is ordered.
    #[serde(default)]
    pub expected_unit_price: Option<Money>,
}

/// A request to place an order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// 1 to [`MAX_LINES`] items, each product once.
    pub items: Vec<Item>,
    pub shipping_address: Address,
    pub payment_method: PaymentMethod,
    /// The first method of the configuration if absent.
    #[serde(default)]
    pub shipping_method: Option<ShippingMethod>,
}

/// A transition in an order's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub status: Status,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub user_id: UserId,
    pub status: Status,
    /// Why the order has its status; `None` if the status says it all.
    pub reason: Option<Reason>,
    pub lines: Vec<OrderLine>,
    /// What the total consists of.
    pub totals: Totals,
    /// The amount to pay.
    pub total: Money,
    pub shipping_address: Address,
    pub payment_method: PaymentMethod,
    /// How the parcel can be followed, once it is shipped.
    pub tracking: Option<Tracking>,
    /// `None` until the first payment event is processed.
    pub payment_id: Option<PaymentId>,
    /// Highest version of the payment among the processed events, 0 before the first. Events of a lower or equal version are ignored.
    pub payment_version: u64,
    /// 1 when placed, incremented by each transition.
    pub version: u64,
    /// When the order was placed.
    pub created_at: Timestamp,
    /// Time of the last transition.
    pub updated_at: Timestamp,
    /// All transitions, oldest first.
    pub history: Vec<HistoryEntry>,
}

impl Order {
    /// Whether `refunded`, the sum of all refunds of its payment, covers the total.
    pub fn is_fully_refunded(&self, refunded: Money) -> bool {
        refunded.currency == self.total.currency && refunded.amount >= self.total.amount
    }
}

impl PlaceOrder {
    /// Validates what the types do not: the number of items, at most `max_lines`, and that no product is listed twice.
    pub fn check(&self, max_lines: usize) -> Result<(), Failure> {
        let at = |pointer: String, detail: &str| FieldError { pointer, detail: detail.to_owned() };
        let mut errors = Vec::new();
        if self.items.is_empty() || self.items.len() > max_lines {
            errors.push(at("/items".to_owned(), &format!("must have 1 to {max_lines} items")));
        }
        for (n, item) in self.items.iter().enumerate() {
            if self.items.iter().take(n).any(|earlier| earlier.product_id == item.product_id) {
                errors.push(at(format!("/items/{n}/product_id"), "must not be listed twice"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::fields(errors)) }
    }
}

/// Places an order at the prices of the snapshots, with tax and shipping at `rates`.
///
/// `snapshots` contains the products that are known, in any order. A product that is not on sale, a second currency, or a sum above
/// [`crate::money::MAX_AMOUNT`] is a failure that names the item; a total outside the gateway's limits ([`payment::check_total`]) is
/// one that names `/items`. Another price than the expected one is a `Conflict`, code [`PRICE_CHANGED`].
pub fn place(
    id: OrderId,
    user_id: UserId,
    command: PlaceOrder,
    snapshots: &[ProductSnapshot],
    rates: &Rates,
    now: Timestamp,
) -> Result<(Order, OrderPlaced), Failure> {
    command.check(MAX_LINES)?;
    prices::check_expected(&command.items, snapshots)?;
    let (lines, totals) = pricing::price(&command, user_id, snapshots, rates)?;
    let total = totals.total().map_err(|_| Failure::field("/items", "make the total too large"))?;
    payment::check_total(total).map_err(|detail| Failure::field("/items", detail))?;
    let reason = Some(Reason::AwaitingStock);
    let order = Order {
        id,
        user_id,
        status: Status::Pending,
        reason,
        lines,
        totals,
        total,
        shipping_address: command.shipping_address,
        payment_method: command.payment_method,
        tracking: None,
        payment_id: None,
        payment_version: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        history: vec![HistoryEntry { status: Status::Pending, at: now, reason }],
    };
    let event = OrderPlaced {
        order_id: id,
        user_id,
        lines: order.lines.clone(),
        totals: Some(order.totals.clone()),
        total_amount: total,
        shipping_address: order.shipping_address.clone(),
        payment_method: order.payment_method.clone(),
    };
    Ok((order, event))
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
