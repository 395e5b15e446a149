//! Orders: what makes one, and how it moves.

use crate::{
    DomainEvent, Money,
    address::Address,
    event::{OrderCancelled, OrderConfirmed, OrderPlaced, StockLine},
    id::{OrderId, PaymentId, ProductId, UserId},
    money::SumError,
    payment,
    text::{PaymentMethod, ProductName},
};
use kernel::{Failure, FieldError, Kind, Timestamp};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Stock is not held yet.
    AwaitingStock,
    /// Stock is held; the charge is under way.
    AwaitingPayment,
    /// There was not enough of something.
    InsufficientStock,
    /// The gateway refused the payment.
    PaymentDeclined,
}

impl Reason {
    const ALL: [Self; 4] = [Self::AwaitingStock, Self::AwaitingPayment, Self::InsufficientStock, Self::PaymentDeclined];

    /// The word of the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingStock => "awaiting_stock",
            Self::AwaitingPayment => "awaiting_payment",
            Self::InsufficientStock => "insufficient_stock",
            Self::PaymentDeclined => "payment_declined",
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
pub struct Offer {
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
    /// Counts its steps; 1 when placed.
    pub version: u64,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// All its steps, oldest first.
    pub history: Vec<HistoryEntry>,
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

/// Places an order at the catalogue's prices.
///
/// `offers` holds what the catalogue sells of the products asked for, in any order. A product without an offer, two
/// currencies, or a sum above [`crate::money::MAX_AMOUNT`] is a failure that names the line; a total that cannot be charged
/// ([`payment::check_total`]) is one that names the lines together.
pub fn place(
    id: OrderId,
    user_id: UserId,
    command: PlaceOrder,
    offers: &[Offer],
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

/// What an order hears from the rest of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Its stock is held.
    StockReserved,
    /// There is not enough.
    StockShort,
    /// It is paid.
    Paid(PaymentId),
    /// The payment was refused, finally.
    PaymentFailed(PaymentId, Reason),
}

/// What a signal asks of an order in a status: a step, nothing (it is old news), or the attention of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    To(Status, Option<Reason>),
    Stay,
    Impossible,
}

/// The table of moves: every signal in every status.
const fn next(status: Status, reason: Option<Reason>, signal: Signal) -> Move {
    match (status, signal) {
        (Status::Pending, Signal::StockReserved) => match reason {
            Some(Reason::AwaitingPayment) => Move::Stay,
            _ => Move::To(Status::Pending, Some(Reason::AwaitingPayment)),
        },
        (Status::Pending, Signal::StockShort) => Move::To(Status::Cancelled, Some(Reason::InsufficientStock)),
        (Status::Pending, Signal::Paid(_)) => Move::To(Status::Processing, None),
        (Status::Pending, Signal::PaymentFailed(_, reason)) => Move::To(Status::Cancelled, Some(reason)),
        (Status::Processing | Status::Shipped | Status::Delivered, Signal::StockReserved | Signal::Paid(_)) => {
            Move::Stay
        }
        (Status::Cancelled, Signal::StockReserved | Signal::StockShort | Signal::PaymentFailed(..)) => Move::Stay,
        (Status::Processing | Status::Shipped | Status::Delivered, Signal::StockShort | Signal::PaymentFailed(..))
        | (Status::Cancelled, Signal::Paid(_)) => Move::Impossible,
    }
}

/// Moves an order on, or says that the signal is old news (`None`).
///
/// A signal that contradicts what the order already knows (paid, yet cancelled) is a `Conflict`: it ends in a dead-letter
/// queue, where a person sees it.
pub fn advance(order: &Order, signal: Signal, now: Timestamp) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    let (status, reason) = match next(order.status, order.reason, signal) {
        Move::Stay => return Ok(None),
        Move::To(status, reason) => (status, reason),
        Move::Impossible => {
            let detail = format!("{signal:?} contradicts an order that is {}", order.status.name());
            return Err(Failure::new(Kind::Conflict, "order-contradiction", detail));
        }
    };
    let mut moved = Order { status, reason, version: order.version + 1, updated_at: now, ..order.clone() };
    if let Signal::Paid(payment) | Signal::PaymentFailed(payment, _) = signal {
        moved.payment_id = Some(payment);
    }
    moved.history.push(HistoryEntry { status, at: now, reason });
    let event = match (status, reason, moved.payment_id) {
        (Status::Processing, _, Some(payment_id)) => Some(confirmed(&moved, payment_id).into()),
        (Status::Cancelled, Some(reason), _) => Some(
            OrderCancelled { order_id: moved.id, user_id: moved.user_id, total_amount: moved.total, reason }.into(),
        ),
        _ => None,
    };
    Ok(Some((moved, event)))
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

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
