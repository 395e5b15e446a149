//! Events of the orders and invoices contexts.

use crate::{
    Money,
    address::{Address, Area},
    id::{OrderId, PaymentId, RefundId, UserId},
    order_line::{OrderLine, Tracking},
    order_status::Reason,
    text::PaymentMethod,
    totals::Totals,
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderPlaced {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// Lines of the order.
    pub lines: Vec<OrderLine>,
    /// What the total consists of; absent in events of orders without tax and shipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// The amount to pay: lines, shipping and tax.
    pub total_amount: Money,
    /// Shipping address.
    pub shipping_address: Address,
    /// Payment method to charge.
    pub payment_method: PaymentMethod,
}

/// An order is paid and its stock is allocated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderConfirmed {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// Lines of the order.
    pub lines: Vec<OrderLine>,
    /// What the total consists of; absent in events of orders without tax and shipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// The amount that was paid: lines, shipping and tax.
    pub total_amount: Money,
    /// Shipping address.
    pub shipping_address: Address,
    /// Country and region of the shipping address, as codes; absent in older events. Unlike the address, it is exported to Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// When the order was placed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub placed_at: Timestamp,
}

/// An order was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelled {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// The amount to pay.
    pub total_amount: Money,
    /// Reason of the cancellation.
    pub reason: Reason,
    /// Id of the payment, if the order received an event of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

/// An order waits for the customer (`payment_declined`), for stock (`backordered`) or for staff (`under_review`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderWaiting {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// The amount to pay.
    pub total_amount: Money,
    /// What the order waits for.
    pub reason: Reason,
}

/// An order was handed to the carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderShipped {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// Lines of the order.
    pub lines: Vec<OrderLine>,
    /// Shipping address.
    pub shipping_address: Address,
    /// How the parcel can be followed, if staff stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Tracking>,
}

/// An order was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderDelivered {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
}

/// The invoice of an order was numbered; its document is stored under `key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceIssued {
    /// Id of the order.
    pub order_id: OrderId,
    /// Invoice number, consecutive within its series.
    pub number: String,
    /// S3 object key of the document.
    pub key: String,
}

/// The credit note of a refund was numbered, or the document that cancels it; it is stored under `key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNoteIssued {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Number, consecutive within its series.
    pub number: String,
    /// S3 object key of the document.
    pub key: String,
    /// Number of the credit note that this document cancels, because its refund was returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancels: Option<String>,
}
