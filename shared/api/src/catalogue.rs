//! Products and their stock.

use crate::{id, rfc3339};
use domain::{Money, event::StockLevel, product::Product, stock::Movement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProductView {
    /// Id.
    pub id: String,
    /// Stock keeping unit.
    pub sku: String,
    /// Name.
    pub name: String,
    /// Description; may be empty.
    pub description: String,
    /// Category.
    pub category: String,
    /// Price of one.
    pub price: Money,
    /// Main picture.
    pub image_url: Option<String>,
    /// All pictures.
    pub images: Vec<String>,
    /// Free stock as far as the catalogue knows.
    pub stock_quantity: i64,
    /// Counts changes by staff.
    pub version: u64,
    /// When it went on sale.
    pub created_at: String,
    /// When staff last changed it.
    pub updated_at: String,
}

impl From<&Product> for ProductView {
    fn from(product: &Product) -> Self {
        Self {
            id: id(product.id.0),
            sku: product.sku.as_str().to_owned(),
            name: product.name.as_str().to_owned(),
            description: product.description.as_str().to_owned(),
            category: product.category.as_str().to_owned(),
            price: product.price,
            image_url: None,
            images: Vec::new(),
            stock_quantity: product.stock_quantity,
            version: product.version,
            created_at: rfc3339(product.created_at),
            updated_at: rfc3339(product.updated_at),
        }
    }
}

/// The stock of one product.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StockView {
    /// Free to be sold.
    pub available: i64,
    /// Held for orders.
    pub reserved: i64,
}

impl From<&StockLevel> for StockView {
    fn from(level: &StockLevel) -> Self {
        Self { available: level.available, reserved: level.reserved }
    }
}

/// One change of a product's stock.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MovementView {
    /// Counts the movements of the product.
    pub version: i64,
    /// What moved it: `opened`, `reserved`, `allocated`, `expired`, `released`, `shipped` or `adjusted`.
    pub kind: &'static str,
    /// How many pieces came in (`opened`, `adjusted`), or how many more are held for orders; below zero: fewer.
    pub quantity: i64,
    /// Free to be sold after it.
    pub available: i64,
    /// Held for orders after it.
    pub reserved: i64,
    /// For which order.
    pub order_id: Option<String>,
    /// Why it was booked by hand.
    pub reason: Option<&'static str>,
    /// When.
    pub at: String,
}

impl From<&Movement> for MovementView {
    fn from(movement: &Movement) -> Self {
        Self {
            version: movement.level.version,
            kind: movement.kind.name(),
            quantity: movement.quantity,
            available: movement.level.available,
            reserved: movement.level.reserved,
            order_id: movement.order_id.map(|order| id(order.0)),
            reason: movement.reason.map(|reason| reason.name()),
            at: rfc3339(movement.at),
        }
    }
}
