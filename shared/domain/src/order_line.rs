//! Lines of orders.

use crate::{
    Money,
    id::ProductId,
    stock_level::StockLine,
    tax::Tax,
    text::{Carrier, ProductName, TrackingNumber},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Maximum number of units in one line.
pub const MAX_QUANTITY: u32 = 10_000;

/// Units of a line: 1 to [`MAX_QUANTITY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

impl Quantity {
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = String;
    fn try_from(units: i64) -> Result<Self, String> {
        match u32::try_from(units) {
            Ok(units @ 1..=MAX_QUANTITY) => Ok(Self(units)),
            _ => Err(format!("must be between 1 and {MAX_QUANTITY}")),
        }
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_QUANTITY })
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        Self::from(quantity.0)
    }
}

/// A line of an order. Name and price are those at the time of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// Id of the product.
    pub product_id: ProductId,
    /// Name of the product when the order was placed.
    pub product_name: ProductName,
    /// Number of units.
    pub quantity: Quantity,
    /// Price of one unit when the order was placed.
    pub unit_price: Money,
    /// `unit_price` times `quantity`.
    pub line_total: Money,
    /// Tax of the line, which `line_total` includes or which is added to the order; absent where no tax is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
}

/// How a shipped order can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tracking {
    /// Name of the carrier.
    pub carrier: Carrier,
    /// The carrier's number of the parcel.
    pub number: TrackingNumber,
}

impl OrderLine {
    /// The product and quantity to reserve.
    pub fn stock_line(&self) -> StockLine {
        StockLine { product_id: self.product_id, quantity: self.quantity.get() }
    }
}
