//! Orders: placement, and the transitions between their states.

mod commands;
mod state_machine;
mod update;

pub use crate::{
    order_line::{MAX_QUANTITY, OrderLine, Quantity},
    order_status::{Reason, Status},
};
pub use commands::UpdateStatus;
pub use state_machine::{
    Input, PENDING_TIMEOUT_SECONDS, ShortfallPolicy, State, Transition, advance, apply_command, next, stuck_before,
    time_out, version_mismatch,
};
pub use update::{PaymentVersion, Update};

use crate::{
    Money,
    address::Address,
    event::OrderPlaced,
    id::{OrderId, PaymentId, ProductId, UserId},
    money::SumError,
    payment,
    text::{PaymentMethod, ProductName},
};
use kernel::{Failure, FieldError, Timestamp};
use serde::{Deserialize, Serialize};

/// Maximum number of lines in one order.
pub const MAX_LINES: usize = 100;

/// A requested product and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub product_id: ProductId,
    pub quantity: Quantity,
}

/// A request to place an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// 1 to [`MAX_LINES`] items, each product once.
    pub items: Vec<Item>,
    pub shipping_address: Address,
    pub payment_method: PaymentMethod,
}

/// Name and price of a product in the catalogue when an order is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSnapshot {
    pub product_id: ProductId,
    pub name: ProductName,
    /// Price of one unit.
    pub price: Money,
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
    pub total: Money,
    pub shipping_address: Address,
    pub payment_method: PaymentMethod,
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
    /// Validates what the types do not: the number of items, and that no product is listed twice.
    pub fn check(&self) -> Result<(), Failure> {
        let at = |pointer: String, detail: &str| FieldError { pointer, detail: detail.to_owned() };
        let mut errors = Vec::new();
        if self.items.is_empty() || self.items.len() > MAX_LINES {
            errors.push(at("/items".to_owned(), &format!("must have 1 to {MAX_LINES} items")));
        }
        for (n, item) in self.items.iter().enumerate() {
            if self.items.iter().take(n).any(|earlier| earlier.product_id == item.product_id) {
                errors.push(at(format!("/items/{n}/product_id"), "must not be listed twice"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::fields(errors)) }
    }
}

/// Whether each of `wanted` has a snapshot. A missing one may be temporary, while the catalogue catches up.
pub fn are_on_sale(wanted: &[ProductId], snapshots: &[ProductSnapshot]) -> bool {
    wanted.iter().all(|product| snapshots.iter().any(|snapshot| snapshot.product_id == *product))
}

/// Places an order at the prices of the catalogue.
///
/// `snapshots` contains the products that are on sale, in any order. A product without a snapshot, a second currency, or a sum above
/// [`crate::money::MAX_AMOUNT`] is a failure that names the item; a total outside the gateway's limits ([`payment::check_total`]) is
/// one that names `/items`.
pub fn place(
    id: OrderId,
    user_id: UserId,
    command: PlaceOrder,
    snapshots: &[ProductSnapshot],
    now: Timestamp,
) -> Result<(Order, OrderPlaced), Failure> {
    command.check()?;
    let mut lines = Vec::with_capacity(command.items.len());
    let mut total: Option<Money> = None;
    for (n, item) in command.items.iter().enumerate() {
        let snapshot = snapshots
            .iter()
            .find(|snapshot| snapshot.product_id == item.product_id)
            .ok_or_else(|| Failure::field(format!("/items/{n}/product_id"), "is not a product on sale"))?;
        let sum_error = |error| match error {
            SumError::Mixed => Failure::field(format!("/items/{n}/product_id"), "is sold in another currency"),
            SumError::TooLarge => Failure::field(format!("/items/{n}/quantity"), "makes the total too large"),
        };
        let line_total = snapshot.price.times(item.quantity.get()).map_err(sum_error)?;
        total = Some(total.map_or(Ok(line_total), |sum| sum.plus(line_total)).map_err(sum_error)?);
        lines.push(OrderLine {
            product_id: item.product_id,
            product_name: snapshot.name.clone(),
            quantity: item.quantity,
            unit_price: snapshot.price,
            line_total,
        });
    }
    let total = total.ok_or_else(|| Failure::field("/items", "must not be empty"))?;
    payment::check_total(total).map_err(|detail| Failure::field("/items", detail))?;
    let reason = Some(Reason::AwaitingStock);
    let order = Order {
        id,
        user_id,
        status: Status::Pending,
        reason,
        lines,
        total,
        shipping_address: command.shipping_address,
        payment_method: command.payment_method,
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
        total_amount: total,
        shipping_address: order.shipping_address.clone(),
        payment_method: order.payment_method.clone(),
    };
    Ok((order, event))
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
