//! Builds products.

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

/// Product 1: a lamp for 19.99 USD, ten units in stock.
pub fn product() -> ProductBuilder {
    ProductBuilder {
        id: ids::product(1),
        sku: None,
        name: "Lamp".to_owned(),
        category: "lighting".to_owned(),
        price: usd(1999),
        stock: 10,
        at: noon(),
    }
}

#[derive(Debug, Clone)]
pub struct ProductBuilder {
    id: ProductId,
    sku: Option<String>,
    name: String,
    category: String,
    price: Money,
    stock: u32,
    at: Timestamp,
}

impl ProductBuilder {
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        self.id(ids::product(n))
    }

    #[must_use]
    pub fn id(self, id: ProductId) -> Self {
        Self { id, ..self }
    }

    /// Sets the SKU. The default is made from the id.
    #[must_use]
    pub fn sku(self, sku: &str) -> Self {
        Self { sku: Some(sku.to_owned()), ..self }
    }

    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    #[must_use]
    pub fn category(self, category: &str) -> Self {
        Self { category: category.to_owned(), ..self }
    }

    #[must_use]
    pub fn price(self, price: Money) -> Self {
        Self { price, ..self }
    }

    /// Sets the units in stock.
    #[must_use]
    pub fn stock(self, units: u32) -> Self {
        Self { stock: units, ..self }
    }

    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// The request body of product-create.
    pub fn json(&self) -> Value {
        let sku = self.sku.clone().unwrap_or_else(|| format!("SKU-{}", self.id));
        json!({
            "sku": sku,
            "name": self.name,
            "description": "Gives light",
            "category": self.category,
            "price": self.price,
            "stock_quantity": self.stock,
        })
    }

    pub fn created(&self) -> Product {
        let command: CreateProduct = serde_json::from_value(self.json()).expect("a product");
        domain::product::create(self.id, command, self.at)
    }

    pub fn event(&self) -> ProductCreated {
        self.created().created()
    }
}
