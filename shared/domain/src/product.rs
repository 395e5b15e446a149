//! Products of the catalogue.

use crate::{
    Money,
    event::ProductCreated,
    id::ProductId,
    order::ProductSnapshot,
    text::{Category, Description, ProductName, Sku},
};
use kernel::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Maximum initial stock, in units.
pub const MAX_STOCK: u32 = 100_000_000;

/// A request to put a product on sale.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// Stock keeping unit, unique.
    pub sku: Sku,
    pub name: ProductName,
    #[serde(default)]
    pub description: Option<Description>,
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Initial stock; 0 if absent.
    #[serde(default)]
    pub stock_quantity: StockQuantity,
}

/// Units of stock: 0 to [`MAX_STOCK`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct StockQuantity(u32);

impl StockQuantity {
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl JsonSchema for StockQuantity {
    fn schema_name() -> Cow<'static, str> {
        "StockQuantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": MAX_STOCK })
    }
}

impl TryFrom<i64> for StockQuantity {
    type Error = String;
    fn try_from(units: i64) -> Result<Self, String> {
        match u32::try_from(units) {
            Ok(units) if units <= MAX_STOCK => Ok(Self(units)),
            _ => Err(format!("must be between 0 and {MAX_STOCK}")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub sku: Sku,
    pub name: ProductName,
    pub description: Description,
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Available units as last reported by the inventory, which decides.
    pub stock_quantity: i64,
    /// Version of the stock level that `stock_quantity` is from.
    pub stock_version: i64,
    /// Incremented by each change by staff.
    pub version: u64,
    pub created_at: Timestamp,
    /// Time of the last change by staff.
    pub updated_at: Timestamp,
}

/// Creates a product. The store checks that the SKU is unique.
pub fn create(id: ProductId, command: CreateProduct, now: Timestamp) -> Product {
    Product {
        id,
        sku: command.sku,
        name: command.name,
        description: command.description.unwrap_or_else(Description::empty),
        category: command.category,
        price: command.price,
        stock_quantity: i64::from(command.stock_quantity.get()),
        stock_version: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

impl Product {
    /// What an order needs to know of it. Every product is on sale.
    pub fn snapshot(&self) -> ProductSnapshot {
        ProductSnapshot {
            product_id: self.id,
            name: self.name.clone(),
            price: self.price,
            active: true,
            version: self.version,
        }
    }

    /// The event of a new product.
    pub fn created(&self) -> ProductCreated {
        ProductCreated {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            price: self.price,
            stock_quantity: u32::try_from(self.stock_quantity).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn command(units: i64) -> Result<CreateProduct, serde_json::Error> {
        from_value(json!({
            "sku": "LAMP-1", "name": "Lamp", "category": "lighting", "price": { "amount": 1999, "currency": "USD" },
            "stock_quantity": units,
        }))
    }

    #[test]
    fn new_product_and_its_event_have_the_initial_stock() {
        for units in [0, 7, i64::from(MAX_STOCK)] {
            let product = create(ProductId(kernel::Uuid::nil()), command(units).expect("reads"), Timestamp::UNIX_EPOCH);
            assert_eq!((product.stock_quantity, i64::from(product.created().stock_quantity)), (units, units));
        }
        for refused in [-1, i64::from(MAX_STOCK) + 1, i64::MAX] {
            assert!(command(refused).is_err(), "{refused}");
        }
    }
}
