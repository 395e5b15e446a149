//! What the contexts tell each other. Payloads carry what the next step needs, so that nobody reads another's tables.
//!
//! Readers are tolerant: unknown members are ignored, so that a producer may add one within a version.

mod notifications;
mod stock_levels;

pub use notifications::{NotificationRequested, NotificationSent};
pub use stock_levels::StockLevel;

use crate::{
    Money,
    address::Address,
    id::{OrderId, PaymentId, ProductId, RefundId, UserId},
    order::{OrderLine, Reason},
    stock::AdjustmentReason,
    text::{Category, Email, FullName, PaymentMethod, Phone, ProductName, Sku, Username},
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! define {
    ($($constant:ident $type:ident $name:literal $context:ident $topic:ident [$($personal:literal),*];)*) => {
        /// Any domain event; on the wire, its `type` and its `data`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "data")]
        pub enum DomainEvent {
            $(
                #[doc = concat!("`", $name, "`.")]
                #[serde(rename = $name)]
                $type($type),
            )*
        }

        impl DomainEvent {
            /// The catalog's row for it.
            pub const fn row(&self) -> &'static catalog::Event {
                match self { $(Self::$type(_) => catalog::$constant,)* }
            }
        }

        $(
            impl From<$type> for DomainEvent {
                fn from(event: $type) -> Self {
                    Self::$type(event)
                }
            }
        )*

        /// The JSON Schema of each event's `data`, by name.
        pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, schemars::schema_for!($type)),)*]
        }
    };
}

catalog::for_each_event!(define);

impl kernel::EventPayload for DomainEvent {
    fn source(&self) -> &'static str {
        self.row().context.source()
    }
}

/// Wraps an event for the wire: `id` is its own, `subject` the aggregate that it brought to version `sequence` at `now`.
pub fn wrap(
    id: kernel::Uuid,
    subject: impl ToString,
    sequence: u64,
    now: Timestamp,
    trace: &kernel::TraceContext,
    event: impl Into<DomainEvent>,
) -> crate::Event {
    let event = event.into();
    kernel::CloudEvent::new(id, event.row().context.source(), subject, sequence, now, trace, event)
}

/// Wraps all that one step tells, as [`wrap`] does one.
pub fn wrap_all(
    ids: &kernel::Ids,
    subject: impl ToString,
    sequence: u64,
    now: Timestamp,
    trace: &kernel::TraceContext,
    events: &[DomainEvent],
) -> Vec<crate::Event> {
    let subject = subject.to_string();
    events.iter().map(|event| wrap(ids.next(), &subject, sequence, now, trace, event.clone())).collect()
}

/// A consumer was handed an event that its catalog row does not list: the routing is wrong, and retrying mends nothing.
pub fn unexpected_event(event: &DomainEvent) -> kernel::Failure {
    let detail = format!("{} is not for this consumer", event.row().name);
    kernel::Failure::new(kernel::FailureKind::Invalid, "unexpected-event", detail)
}

/// Takes out of an event in JSON what its catalog row calls personal: what is kept for long must not name a person.
pub fn redact(event: &mut serde_json::Map<String, serde_json::Value>, row: &catalog::Event) {
    for pointer in row.personal {
        let Some((parent, member)) = pointer.rsplit_once('/') else { continue };
        let parent = event.get_mut("data").and_then(|data| data.pointer_mut(parent));
        if let Some(members) = parent.and_then(serde_json::Value::as_object_mut) {
            members.remove(member);
        }
    }
}

/// Somebody registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserRegistered {
    /// Who.
    pub user_id: UserId,
    /// Where to write to.
    pub email: Email,
    /// What they are called here.
    pub username: Username,
    /// What they are called elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<FullName>,
    /// Their telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// A product went on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductCreated {
    /// Which.
    pub product_id: ProductId,
    /// Its stock keeping unit.
    pub sku: Sku,
    /// Its name.
    pub name: ProductName,
    /// Its category.
    pub category: Category,
    /// Its price.
    pub price: Money,
    /// How many are there to begin with.
    pub stock_quantity: u32,
}

/// A number of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLine {
    /// Of which product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: u32,
}

/// A stock account was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockOpened {
    /// The level it begins with.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// All lines of an order are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReserved {
    /// For which order.
    pub order_id: OrderId,
    /// Whose order.
    pub user_id: UserId,
    /// What is to be charged.
    pub amount: Money,
    /// How it is to be charged.
    pub payment_method: PaymentMethod,
    /// What is held.
    pub lines: Vec<StockLine>,
    /// The levels after it.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// There is not enough for an order; nothing is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReservationFailed {
    /// For which order.
    pub order_id: OrderId,
    /// What was asked for.
    pub lines: Vec<StockLine>,
}

/// A paid order cannot be allocated: stock is not available. The order waits for stock unless it is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAllocationFailed {
    /// Order whose stock is not available.
    pub order_id: OrderId,
    /// Products and quantities of the order.
    pub lines: Vec<StockLine>,
    /// Payment of the order.
    pub payment: PaymentRef,
}

/// A payment at the version at which it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRef {
    /// Which.
    pub payment_id: PaymentId,
    /// Its version then.
    pub version: u64,
}

/// An order is paid, and all its lines are kept until they are shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAllocated {
    /// For which order.
    pub order_id: OrderId,
    /// With which payment.
    pub payment: PaymentRef,
    /// The levels after it; none where what was held is kept.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// A hold lapsed before the order was paid: what was held is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReservationExpired {
    /// Of which order.
    pub order_id: OrderId,
    /// The levels after it.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// What was kept for an order has left the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockShipped {
    /// For which order.
    pub order_id: OrderId,
    /// The levels after it.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// What was held for an order is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReleased {
    /// Of which order.
    pub order_id: OrderId,
    /// The levels after it.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// Pieces of a product were booked in or out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAdjusted {
    /// Of which product.
    pub product_id: ProductId,
    /// How many came in; below zero, how many went.
    pub delta: i64,
    /// Why.
    pub reason: AdjustmentReason,
    /// The level after it.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// Few pieces of a product are left; told once, until there were more again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLow {
    /// Of which product.
    pub product_id: ProductId,
    /// Free to be sold.
    pub available: i64,
    /// At how many pieces it counts as low.
    pub threshold: i64,
}

/// An order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderPlaced {
    /// Which.
    pub order_id: OrderId,
    /// By whom.
    pub user_id: UserId,
    /// What.
    pub lines: Vec<OrderLine>,
    /// For how much.
    pub total_amount: Money,
    /// To where.
    pub shipping_address: Address,
    /// Paid how.
    pub payment_method: PaymentMethod,
}

/// An order is paid and its stock is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderConfirmed {
    /// Which.
    pub order_id: OrderId,
    /// By whom.
    pub user_id: UserId,
    /// What.
    pub lines: Vec<OrderLine>,
    /// For how much.
    pub total_amount: Money,
    /// To where.
    pub shipping_address: Address,
    /// With which payment.
    pub payment_id: PaymentId,
    /// When it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
}

/// An order will not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelled {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// What it would have cost.
    pub total_amount: Money,
    /// Why.
    pub reason: Reason,
    /// With which payment, if it had heard of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

/// An order stands still until something is done about it: by the customer (`payment_declined`), by stock coming in
/// (`backordered`) or by the shop (`under_review`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderWaiting {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// What it costs.
    pub total_amount: Money,
    /// For what it waits.
    pub reason: Reason,
}

/// An order was handed to the carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderShipped {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// What.
    pub lines: Vec<OrderLine>,
    /// To where.
    pub shipping_address: Address,
}

/// An order arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderDelivered {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
}

/// The gateway charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentSucceeded {
    /// Which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The gateway's name for it.
    pub transaction_id: String,
}

/// The gateway refused, finally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentFailed {
    /// Which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// How much it would have been.
    pub amount: Money,
    /// Why.
    pub reason: Reason,
}

/// The customer pays again after a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRequested {
    /// Which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Which attempt this is; the first one was 1.
    pub attempt: u32,
}

/// Money is to go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundRequested {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Which refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
}

/// Money went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefunded {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Which refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// How much of the payment has gone back in all.
    pub refunded_amount: Money,
}

/// The gateway refused, finally, to give money back: a person has to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundFailed {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Which refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// The gateway's code for it.
    pub code: String,
}

/// The payment gateway failed so often that it is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewaySuspended {
    /// Failures in a row.
    pub failures: u32,
    /// Until when nobody asks it.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// The ledger was compared with the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerReconciled {
    /// From when.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Until when, exclusive.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Movements of the gateway in that time.
    pub compared: u32,
    /// Fees that were booked.
    pub fees: u32,
    /// What does not agree; nothing, when all is well.
    pub differences: Vec<crate::ledger::Discrepancy>,
    /// The gateway's names for what stands in its ledger and could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// An invoice has its number; its document follows from it, under its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceIssued {
    /// Of which order.
    pub order_id: OrderId,
    /// Gapless within its series.
    pub number: String,
    /// Key of the document in its bucket.
    pub key: String,
}

#[cfg(test)]
mod tests;
