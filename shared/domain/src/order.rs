//! Orders: what makes one, and how it moves.

mod state_machine;

pub use state_machine::{
    Input, PENDING_TIMEOUT_SECONDS, ShortfallPolicy, State, Transition, Update, advance, apply_command, is_stuck, next,
    version_mismatch,
};

use crate::{
    Money,
    address::Address,
    event::{OrderPlaced, StockLine},
    id::{OrderId, PaymentId, ProductId, UserId},
    money::SumError,
    payment,
    text::{PaymentMethod, ProductName},
};
use kernel::{Failure, FieldError, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most lines of one order.
pub const MAX_LINES: usize = 100;
/// Most pieces of one line.
pub const MAX_QUANTITY: u32 = 10_000;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Placed; stock and payment are under way.
    Pending,
    /// Paid, its stock held: being packed.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Will not come.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Processing, Self::Shipped, Self::Delivered, Self::Cancelled];

    /// The word of the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Why an order stands where it stands: a stable code that the customer can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Stock is not held yet.
    AwaitingStock,
    /// Stock is held; the charge is under way.
    AwaitingPayment,
    /// There was not enough of something.
    InsufficientStock,
    /// The gateway refused the payment. While the order is pending the customer may pay again.
    PaymentDeclined,
    /// The gateway did not say in time whether it charged.
    PaymentUnreachable,
    /// It is paid, and waits for stock to come in.
    Backordered,
    /// It is paid, there is no stock, and a person decides.
    UnderReview,
    /// The customer took it back.
    CustomerRequest,
    /// The shop took it back.
    StaffRequest,
    /// All that was paid for it went back.
    Refunded,
    /// It stood still for too long.
    TimedOut,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::AwaitingStock,
        Self::AwaitingPayment,
        Self::InsufficientStock,
        Self::PaymentDeclined,
        Self::PaymentUnreachable,
        Self::Backordered,
        Self::UnderReview,
        Self::CustomerRequest,
        Self::StaffRequest,
        Self::Refunded,
        Self::TimedOut,
    ];

    /// The word of the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingStock => "awaiting_stock",
            Self::AwaitingPayment => "awaiting_payment",
            Self::InsufficientStock => "insufficient_stock",
            Self::PaymentDeclined => "payment_declined",
            Self::PaymentUnreachable => "payment_unreachable",
            Self::Backordered => "backordered",
            Self::UnderReview => "under_review",
            Self::CustomerRequest => "customer_request",
            Self::StaffRequest => "staff_request",
            Self::Refunded => "refunded",
            Self::TimedOut => "timed_out",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Pieces of a line: 1 to [`MAX_QUANTITY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

impl Quantity {
    /// Pieces.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = String;
    fn try_from(pieces: i64) -> Result<Self, String> {
        match u32::try_from(pieces) {
            Ok(pieces @ 1..=MAX_QUANTITY) => Ok(Self(pieces)),
            _ => Err(format!("must be between 1 and {MAX_QUANTITY}")),
        }
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        Self::from(quantity.0)
    }
}

/// One wish of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
}

/// A request to place an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// What; 1 to [`MAX_LINES`], each product once.
    pub items: Vec<Item>,
    /// To where.
    pub shipping_address: Address,
    /// Paid how.
    pub payment_method: PaymentMethod,
}

/// What the catalogue says of a product when the order is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSnapshot {
    /// Which.
    pub product_id: ProductId,
    /// Its name.
    pub name: ProductName,
    /// Price of one.
    pub price: Money,
}

/// A line of an order, with name and price as they were when it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// What.
    pub product_id: ProductId,
    /// Its name then.
    pub product_name: ProductName,
    /// How many.
    pub quantity: Quantity,
    /// Its price then.
    pub unit_price: Money,
    /// Price of the line.
    pub line_total: Money,
}

impl OrderLine {
    /// What the inventory needs to know of it.
    pub fn stock_line(&self) -> StockLine {
        StockLine { product_id: self.product_id, quantity: self.quantity.get() }
    }
}

/// A step of an order's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Where it stood from then on.
    pub status: Status,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Id.
    pub id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub reason: Option<Reason>,
    /// What.
    pub lines: Vec<OrderLine>,
    /// For how much.
    pub total: Money,
    /// To where.
    pub shipping_address: Address,
    /// Paid how.
    pub payment_method: PaymentMethod,
    /// With which payment.
    pub payment_id: Option<PaymentId>,
    /// The version of the payment that it last heard of; 0 before it heard of any. Older news changes nothing.
    pub payment_version: u64,
    /// Counts its steps; 1 when placed.
    pub version: u64,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// All its steps, oldest first.
    pub history: Vec<HistoryEntry>,
}

impl Order {
    /// Whether nothing is paid for it any more, once `refunded` of its payment went back in all.
    pub fn is_fully_refunded(&self, refunded: Money) -> bool {
        refunded.currency == self.total.currency && refunded.amount >= self.total.amount
    }
}

impl PlaceOrder {
    /// Checks what the shape of the request cannot say: there are lines, not too many, and no product twice.
    pub fn check(&self) -> Result<(), Failure> {
        let at = |pointer: String, detail: &str| FieldError { pointer, detail: detail.to_owned() };
        let mut errors = Vec::new();
        if self.items.is_empty() || self.items.len() > MAX_LINES {
            errors.push(at("/items".to_owned(), &format!("must have 1 to {MAX_LINES} lines")));
        }
        for (n, item) in self.items.iter().enumerate() {
            if self.items.iter().take(n).any(|earlier| earlier.product_id == item.product_id) {
                errors.push(at(format!("/items/{n}/product_id"), "is listed twice"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::fields(errors)) }
    }
}

/// Whether each of `wanted` has an offer. That one has none may be so for a moment only, while the catalogue catches up.
pub fn are_on_sale(wanted: &[ProductId], offers: &[ProductSnapshot]) -> bool {
    wanted.iter().all(|product| offers.iter().any(|offer| offer.product_id == *product))
}

/// Places an order at the catalogue's prices.
///
/// `offers` holds what the catalogue sells of the products asked for, in any order. A product without an offer, two
/// currencies, or a sum above [`crate::money::MAX_AMOUNT`] is a failure that names the line; a total that cannot be charged
/// ([`payment::check_total`]) is one that names the lines together.
pub fn place(
    id: OrderId,
    user_id: UserId,
    command: PlaceOrder,
    offers: &[ProductSnapshot],
    now: Timestamp,
) -> Result<(Order, OrderPlaced), Failure> {
    command.check()?;
    let mut lines = Vec::with_capacity(command.items.len());
    let mut total: Option<Money> = None;
    for (n, item) in command.items.iter().enumerate() {
        let offer = offers
            .iter()
            .find(|offer| offer.product_id == item.product_id)
            .ok_or_else(|| Failure::field(format!("/items/{n}/product_id"), "is not a product on sale"))?;
        let sum_error = |error| match error {
            SumError::Mixed => Failure::field(format!("/items/{n}/product_id"), "is sold in another currency"),
            SumError::TooLarge => Failure::field(format!("/items/{n}/quantity"), "makes the total too large"),
        };
        let line_total = offer.price.times(item.quantity.get()).map_err(sum_error)?;
        total = Some(total.map_or(Ok(line_total), |sum| sum.plus(line_total)).map_err(sum_error)?);
        lines.push(OrderLine {
            product_id: item.product_id,
            product_name: offer.name.clone(),
            quantity: item.quantity,
            unit_price: offer.price,
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
