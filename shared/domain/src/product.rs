//! Products: what may go on sale.

use crate::{
    Money,
    event::ProductCreated,
    id::ProductId,
    text::{Category, Description, ProductName, Sku},
};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// The most that a stock figure may be.
pub const MAX_STOCK: u32 = 100_000_000;

/// Seconds that a product may be shown from the cache.
pub const CACHE_SECONDS: u32 = 300;
/// Seconds that the cache may say that there is no such product.
pub const CACHE_NEGATIVE_SECONDS: u32 = 30;

/// Under what a product is kept in the cache.
pub fn cache_key(id: ProductId) -> String {
    format!("product:{id}")
}

/// A request to put a product on sale.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// Unique stock keeping unit.
    pub sku: Sku,
    /// Name.
    pub name: ProductName,
    /// Description.
    #[serde(default)]
    pub description: Option<Description>,
    /// Category.
    pub category: Category,
    /// Price of one.
    pub price: Money,
    /// How many there are to begin with; none when absent.
    #[serde(default)]
    pub stock_quantity: StockQuantity,
}

/// A number of pieces, 0 to [`MAX_STOCK`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct StockQuantity(u32);

impl StockQuantity {
    /// Pieces.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for StockQuantity {
    type Error = String;
    fn try_from(pieces: i64) -> Result<Self, String> {
        match u32::try_from(pieces) {
            Ok(pieces) if pieces <= MAX_STOCK => Ok(Self(pieces)),
            _ => Err(format!("must be between 0 and {MAX_STOCK}")),
        }
    }
}

/// Something for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Id.
    pub id: ProductId,
    /// Stock keeping unit.
    pub sku: Sku,
    /// Name.
    pub name: ProductName,
    /// Description; may be empty.
    pub description: Description,
    /// Category.
    pub category: Category,
    /// Price of one.
    pub price: Money,
    /// Free stock as far as the catalogue knows: the inventory decides.
    pub stock_quantity: i64,
    /// Version of the stock figure, from the inventory.
    pub stock_version: i64,
    /// Counts changes by staff.
    pub version: u64,
    /// When it went on sale.
    pub created_at: Timestamp,
    /// When staff last changed it.
    pub updated_at: Timestamp,
}

/// Decides what a new product is. That its SKU is free is for the store to say.
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
    /// What the others are told when it goes on sale.
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

    fn command(pieces: i64) -> Result<CreateProduct, serde_json::Error> {
        from_value(json!({
            "sku": "LAMP-1", "name": "Lamp", "category": "lighting", "price": { "amount": 1999, "currency": "USD" },
            "stock_quantity": pieces,
        }))
    }

    #[test]
    fn a_new_product_has_the_pieces_it_begins_with_and_the_others_are_told_so() {
        for pieces in [0, 7, i64::from(MAX_STOCK)] {
            let product =
                create(ProductId(kernel::Uuid::nil()), command(pieces).expect("reads"), Timestamp::UNIX_EPOCH);
            assert_eq!((product.stock_quantity, i64::from(product.created().stock_quantity)), (pieces, pieces));
        }
        for refused in [-1, i64::from(MAX_STOCK) + 1, i64::MAX] {
            assert!(command(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn two_products_are_two_entries_of_the_cache() {
        let [one, other] = [1, 2].map(|n| cache_key(ProductId(kernel::Uuid::from_u128(n))));
        assert_eq!(one, "product:00000000-0000-0000-0000-000000000001");
        assert_ne!(one, other);
    }
}
