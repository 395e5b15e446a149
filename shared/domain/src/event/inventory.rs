//! Events of the catalogue and inventory contexts.

use crate::{
    Money,
    id::{OrderId, PaymentId, ProductId, UserId},
    image::ProductImage,
    stock_level::{AdjustmentReason, StockLevel, StockLine},
    text::{Category, Description, PaymentMethod, ProductName, Sku},
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product was put on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductCreated {
    /// Id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit.
    pub sku: Sku,
    /// Name of the product.
    pub name: ProductName,
    /// Description; may be empty.
    #[serde(default = "Description::empty")]
    pub description: Description,
    /// Category of the product.
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Initial stock in units.
    pub stock_quantity: u32,
}

/// Staff changed a product. States the product after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductUpdated {
    /// Id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit; it never changes.
    pub sku: Sku,
    /// Name of the product.
    pub name: ProductName,
    /// Description; may be empty.
    #[serde(default = "Description::empty")]
    pub description: Description,
    /// Category of the product.
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Images that can be shown, the main one first.
    #[serde(default)]
    pub images: Vec<ProductImage>,
    /// When the product was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// A product was withdrawn from sale permanently. Its SKU stays taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductDeleted {
    /// Id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit.
    pub sku: Sku,
    /// Name of the product when it was withdrawn.
    pub name: ProductName,
    /// Category of the product when it was withdrawn.
    pub category: Category,
    /// Price of one unit when it was withdrawn.
    pub price: Money,
    /// When the product was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// The stock account of a product was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockOpened {
    /// The initial stock level.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// All lines of an order are reserved until the reservation expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReserved {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// Amount to charge.
    pub amount: Money,
    /// Payment method to charge.
    pub payment_method: PaymentMethod,
    /// The reserved products and quantities.
    pub lines: Vec<StockLine>,
    /// Stock levels after the reservation.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// An unpaid order cannot be reserved because stock is insufficient. Nothing is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReservationFailed {
    /// Id of the order.
    pub order_id: OrderId,
    /// The requested products and quantities.
    pub lines: Vec<StockLine>,
}

/// A paid order cannot be allocated because stock is insufficient. It is backordered until stock arrives or it is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAllocationFailed {
    /// Id of the order.
    pub order_id: OrderId,
    /// The requested products and quantities.
    pub lines: Vec<StockLine>,
    /// The payment of the order.
    pub payment: PaymentRef,
}

/// A payment and its version when it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRef {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Version of the payment when it succeeded.
    pub version: u64,
}

/// All lines of a paid order are allocated until the order is shipped or cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAllocated {
    /// Id of the order.
    pub order_id: OrderId,
    /// The payment of the order.
    pub payment: PaymentRef,
    /// Stock levels after the allocation; empty if the lines were still reserved, since no level changes then.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// The reservation of an unpaid order expired; its stock is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReservationExpired {
    /// Id of the order.
    pub order_id: OrderId,
    /// Stock levels after the expiry.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// The allocated stock of an order was shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockShipped {
    /// Id of the order.
    pub order_id: OrderId,
    /// Stock levels after the shipment.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// The reserved or allocated stock of a cancelled order was released; it is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockReleased {
    /// Id of the order.
    pub order_id: OrderId,
    /// Stock levels after the release.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// The stock of a product was adjusted manually.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAdjusted {
    /// Id of the product.
    pub product_id: ProductId,
    /// Number of units added; negative if units were removed.
    pub delta: i64,
    /// Reason of the adjustment.
    pub reason: AdjustmentReason,
    /// The stock level after the adjustment.
    #[serde(default)]
    pub levels: Vec<StockLevel>,
}

/// A product is low on stock. Published once, until stock has risen above the threshold again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLow {
    /// Id of the product.
    pub product_id: ProductId,
    /// Units available for sale.
    pub available: i64,
    /// Number of units at or below which stock is low.
    pub threshold: i64,
}
