//! Products for tests.

use super::{noon, usd};
use crate::ids;
use domain::{
    Money,
    event::ProductCreated,
    id::ProductId,
    product::{CreateProduct, Product},
};
use kernel::Timestamp;
use serde_json::{Value, json};

/// A product: number 1, a lamp for 19.99 USD.
pub fn product() -> ProductBuilder {
    ProductBuilder { id: ids::product(1), sku: None, name: "Lamp".to_owned(), price: usd(1999), stock: 10, at: noon() }
}

/// Makes a product.
#[derive(Debug, Clone)]
pub struct ProductBuilder {
    id: ProductId,
    sku: Option<String>,
    name: String,
    price: Money,
    stock: u32,
    at: Timestamp,
}

impl ProductBuilder {
    /// Its number.
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        self.id(ids::product(n))
    }

    /// Its id.
    #[must_use]
    pub fn id(self, id: ProductId) -> Self {
        Self { id, ..self }
    }

    /// Its SKU; made from its id when not said.
    #[must_use]
    pub fn sku(self, sku: &str) -> Self {
        Self { sku: Some(sku.to_owned()), ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Its price.
    #[must_use]
    pub fn price(self, price: Money) -> Self {
        Self { price, ..self }
    }

    /// How many there are.
    #[must_use]
    pub fn stock(self, pieces: u32) -> Self {
        Self { stock: pieces, ..self }
    }

    /// When it goes on sale.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// The request that creates it.
    pub fn json(&self) -> Value {
        let sku = self.sku.clone().unwrap_or_else(|| format!("SKU-{}", self.id));
        json!({
            "sku": sku,
            "name": self.name,
            "description": "Gives light",
            "category": "lighting",
            "price": self.price,
            "stock_quantity": self.stock,
        })
    }

    /// The product, just created.
    pub fn created(&self) -> Product {
        let command: CreateProduct = serde_json::from_value(self.json()).expect("a product");
        domain::product::create(self.id, command, self.at)
    }

    /// What the others are told of it.
    pub fn event(&self) -> ProductCreated {
        self.created().created()
    }
}
