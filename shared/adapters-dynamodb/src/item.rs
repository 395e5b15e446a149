//! Conversion between items of the products table and their types.
//!
//! Written by hand: `serde_dynamo` would need a struct for each kind of item beside the domain type (the price is two attributes, the key
//! a prefixed id), and the images of the stream, which are plain JSON, share [`product_from_image`] with the table.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Money;
use domain::id::ProductId;
use domain::product::Product;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// The partition key of the table.
pub(super) const KEY: &str = catalog::PRODUCTS.key;

/// How long an idempotency record is valid: a day.
const RETENTION_S: i64 = 24 * 60 * 60;

const PRODUCT: &str = "PRODUCT#";

/// The attributes of a product that staff change.
const STATED: [&str; 8] =
    ["name", "description", "category", "price_amount", "price_currency", "active", "version", "updated_at"];

/// The attribute that says what changed a product last.
pub(super) const LAST_CHANGE: &str = "last_change";
const BY_STAFF: &str = "staff";
pub(super) const BY_STOCK: &str = "stock";

pub(super) fn product_key(id: ProductId) -> String {
    format!("{PRODUCT}{id}")
}

pub(super) fn idempotency_key(key: &IdempotencyKey) -> String {
    format!("IDEM#{}#{}", key.scope, key.key)
}

pub(super) fn number(n: impl ToString) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn product(product: &Product) -> Item {
    item([
        (KEY, text(product_key(product.id))),
        ("id", text(product.id.to_string())),
        ("sku", text(product.sku.as_str())),
        ("name", text(product.name.as_str())),
        ("description", text(product.description.as_str())),
        ("category", text(product.category.as_str())),
        ("price_amount", number(product.price.amount.get())),
        ("price_currency", text(product.price.currency.code())),
        ("active", AttributeValue::Bool(product.active)),
        ("stock_quantity", number(product.stock_quantity)),
        ("stock_version", number(product.stock_version)),
        ("version", number(product.version)),
        ("created_at", text(product.created_at.to_string())),
        ("updated_at", text(product.updated_at.to_string())),
    ])
}

/// What staff change of a product, and who changed it last: the filter of the table's stream selects by it.
pub(super) fn change(product: &Product) -> Item {
    let stated = |(name, _): &(String, AttributeValue)| STATED.contains(&name.as_str());
    let mut change: Item = self::product(product).into_iter().filter(stated).collect();
    change.insert(LAST_CHANGE.to_owned(), text(BY_STAFF));
    change
}

pub(super) fn sku_claim(product: &Product) -> Item {
    item([(KEY, text(format!("SKU#{}", product.sku.as_str()))), ("product_id", text(product.id.to_string()))])
}

pub(super) fn idempotency(key: &IdempotencyKey, reply: &StoredReply, now: Timestamp) -> Item {
    let pair = |(name, value): &(String, String)| AttributeValue::L(vec![text(name), text(value)]);
    item([
        (KEY, text(idempotency_key(key))),
        ("fingerprint", text(&key.fingerprint)),
        ("status", number(reply.status)),
        ("headers", AttributeValue::L(reply.headers.iter().map(pair).collect())),
        ("body", text(&reply.body)),
        (catalog::PRODUCTS.ttl, number(now.as_second().saturating_add(RETENTION_S))),
    ])
}

/// The outcome of a request whose key has a record already.
pub(super) fn replay(item: &Item, key: &IdempotencyKey) -> Result<IdempotencyOutcome, Failure> {
    let broken = || Failure::internal("the idempotency record is malformed");
    let string = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    if string("fingerprint").ok_or_else(broken)? != &key.fingerprint {
        let detail = "This Idempotency-Key was used with a different body.";
        return Err(Failure::new(FailureKind::Invalid, "idempotency-key-reused", detail));
    }
    let pair = |pair: &AttributeValue| match pair.as_l().ok()?.as_slice() {
        [name, value] => Some((name.as_s().ok()?.clone(), value.as_s().ok()?.clone())),
        _ => None,
    };
    // Records of an earlier version have no headers.
    let headers = item.get("headers").map_or(Some(vec![]), |list| list.as_l().ok()?.iter().map(pair).collect());
    let status = item.get("status").and_then(|value| value.as_n().ok()).and_then(|status| status.parse().ok());
    Ok(IdempotencyOutcome::Replayed(StoredReply {
        status: status.ok_or_else(broken)?,
        headers: headers.ok_or_else(broken)?,
        body: string("body").ok_or_else(broken)?.clone(),
    }))
}

pub(super) fn to_product(item: &Item) -> Result<Product, Failure> {
    let mut image = serde_json::Map::new();
    for (name, value) in item {
        let value = match value {
            AttributeValue::S(text) => Value::from(text.as_str()),
            AttributeValue::N(digits) => serde_json::from_str(digits).map_err(Failure::internal)?,
            AttributeValue::Bool(flag) => Value::from(*flag),
            // This version of the code has no attributes of other types.
            _ => continue,
        };
        image.insert(name.clone(), value);
    }
    match product_from_image(&Value::Object(image))? {
        Some(product) => Ok(product),
        None => Err(Failure::internal("the item under the key of a product is not a product")),
    }
}

/// The product in an image of the table's stream, with the attributes as plain JSON. `None` for the other kinds of items.
pub fn product_from_image(image: &Value) -> Result<Option<Product>, Failure> {
    if !image.get(KEY).and_then(Value::as_str).is_some_and(|key| key.starts_with(PRODUCT)) {
        return Ok(None);
    }
    let integer = |name: &str| image.get(name).and_then(Value::as_i64);
    let price = match (integer("price_amount"), image.get("price_currency").and_then(Value::as_str)) {
        (Some(amount), Some(currency)) => Money::new(amount, currency).map_err(Failure::internal)?,
        _ => return Err(Failure::internal("the item of a product has no price")),
    };
    let mut product = image.clone();
    if let Some(members) = product.as_object_mut() {
        members.insert("price".to_owned(), json!(price));
    }
    serde_json::from_value(product)
        .map(Some)
        .map_err(|cause| Failure::internal(format!("the item of a product is malformed: {cause}")))
}
