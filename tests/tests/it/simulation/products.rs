//! The products of schedules. Their ids follow from their numbers, so that orders and rules know them before a request creates them.

use domain::{Money, id::ProductId, product::Product};
use kernel::Ids;
use serde_json::{Value, json};
use std::sync::LazyLock;
use testkit::build::{self, ProductBuilder};

/// Price, currency and units received of each product, by its number: two in dollars for short schedules, and one in each currency for long
/// ones.
const OFFERED: [(i64, &str, u32); 5] =
    [(1999, "USD", 10), (1999, "USD", 3), (1999, "USD", 400), (2450, "EUR", 12), (1800, "JPY", 300)];

/// The products when they are created.
pub static PRODUCTS: LazyLock<[Product; OFFERED.len()]> = LazyLock::new(|| {
    let mut number = 0;
    OFFERED.map(|_| {
        number += 1;
        offered(number).at(build::noon()).created()
    })
});

/// What staff states about product `number`.
pub fn offered(number: u64) -> ProductBuilder {
    let (minor, currency, units) = OFFERED[usize::try_from(number - 1).expect("few")];
    let price = Money::new(minor, currency).expect("an amount");
    build::product().id(id(number)).price(price).stock(units)
}

/// The ids of the request that creates product `number`. The first is that of the product.
pub fn ids(number: u64) -> Ids {
    Ids::seeded(number, build::noon())
}

pub fn id(number: u64) -> ProductId {
    ProductId(ids(number).next())
}

/// Units received of product `number`.
pub fn received(number: u64) -> i64 {
    OFFERED[usize::try_from(number - 1).expect("few")].2.into()
}

/// Units received of a product.
pub fn received_of(product: ProductId) -> i64 {
    (1..).zip(PRODUCTS.iter()).find(|(_, one)| one.id == product).map_or(0, |(number, _)| received(number))
}

/// The request for an order of these products and quantities.
pub fn order_json(lines: &[(u64, i64)], payment_method: &str) -> Value {
    let mut body = build::place_order_json(lines);
    body["items"] =
        lines.iter().map(|(number, units)| json!({ "product_id": id(*number), "quantity": units })).collect();
    body["payment_method"] = payment_method.into();
    body
}
