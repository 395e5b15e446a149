//! Conversion between items of the products table and their types.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::ProductId;
use domain::product::Product;
use domain::text::Sku;
use kernel::{
    Failure, FailureKind, IDEMPOTENCY_KEY_REUSED, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// The partition key of the table.
pub(super) const KEY: &str = catalog::PRODUCTS.key;

/// Seconds for which an idempotency record is valid.
const RETENTION_S: i64 = catalog::IDEMPOTENCY_HOURS * 3600;

const PRODUCT: &str = "PRODUCT#";

/// The attributes of a product that change when staff edit it.
const STAFF_EDITABLE: [&str; 10] =
    ["name", "description", "category", "price", "images", "active", "version", "updated_at", "changed_by", CHANGED_IN];

/// The partition key of the index by change: the hour of the last change by staff.
pub(super) const CHANGED_IN: &str = catalog::PRODUCTS.index.key;

/// The attribute that says what changed a product last.
pub(super) const LAST_CHANGE: &str = "last_change";
const BY_STAFF: &str = "staff";
pub(super) const BY_STOCK: &str = "stock";

/// The response that is stored for an idempotency key.
#[derive(Serialize, Deserialize)]
struct IdempotencyItem {
    fingerprint: String,
    status: u16,
    /// Records of an earlier version have none.
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Serialize, Deserialize)]
struct SkuItem {
    product_id: ProductId,
}

pub(super) fn product_key(id: ProductId) -> String {
    format!("{PRODUCT}{id}")
}

pub(super) fn sku_key(sku: &Sku) -> String {
    format!("SKU#{}", sku.as_str())
}

pub(super) fn idempotency_key(key: &IdempotencyKey) -> String {
    format!("IDEM#{}#{}", key.scope, key.key)
}

pub(super) fn number(n: impl ToString) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

fn item(key: String, attributes: impl Serialize) -> Result<Item, Failure> {
    let mut item: Item = serde_dynamo::to_item(attributes).map_err(Failure::internal)?;
    item.insert(KEY.to_owned(), AttributeValue::S(key));
    Ok(item)
}

pub(super) fn product(product: &Product) -> Result<Item, Failure> {
    let mut item = item(product_key(product.id), product)?;
    item.insert(CHANGED_IN.to_owned(), hour(product.updated_at));
    Ok(item)
}

/// The hour of a time, such as `2026-11-21T08`.
pub(super) fn hour(at: Timestamp) -> AttributeValue {
    AttributeValue::S(at.strftime("%Y-%m-%dT%H").to_string())
}

/// The product of an entry in the index.
pub(super) fn changed_id(entry: &Item) -> Result<ProductId, Failure> {
    let key = entry.get(KEY).and_then(|key| key.as_s().ok());
    let id = key.and_then(|key| key.strip_prefix(PRODUCT)).and_then(|id| id.parse().ok());
    id.ok_or_else(|| malformed_product("its key in the index has no id"))
}

/// What staff change of a product, and who changed it last: the filter of the table's stream selects by it.
pub(super) fn change(product: &Product) -> Result<Item, Failure> {
    let is_editable = |(name, _): &(String, AttributeValue)| STAFF_EDITABLE.contains(&name.as_str());
    let mut change: Item = self::product(product)?.into_iter().filter(is_editable).collect();
    change.insert(LAST_CHANGE.to_owned(), AttributeValue::S(BY_STAFF.to_owned()));
    Ok(change)
}

pub(super) fn sku_item(product: &Product) -> Result<Item, Failure> {
    item(sku_key(&product.sku), SkuItem { product_id: product.id })
}

pub(super) fn idempotency(key: &IdempotencyKey, reply: &StoredReply, now: Timestamp) -> Result<Item, Failure> {
    let StoredReply { status, headers, body } = reply.clone();
    let mut item =
        item(idempotency_key(key), IdempotencyItem { fingerprint: key.fingerprint.clone(), status, headers, body })?;
    item.insert(catalog::PRODUCTS.ttl.to_owned(), number(now.as_second().saturating_add(RETENTION_S)));
    Ok(item)
}

/// The outcome of a request whose key has a record already.
pub(super) fn replay(item: &Item, key: &IdempotencyKey) -> Result<IdempotencyOutcome, Failure> {
    let record: IdempotencyItem =
        serde_dynamo::from_item(item.clone()).map_err(|cause| malformed("an idempotency key", cause))?;
    if record.fingerprint != key.fingerprint {
        let detail = "This Idempotency-Key was used with a different body.";
        return Err(Failure::new(FailureKind::Invalid, IDEMPOTENCY_KEY_REUSED, detail));
    }
    let IdempotencyItem { status, headers, body, .. } = record;
    Ok(IdempotencyOutcome::Replayed(StoredReply { status, headers, body }))
}

/// The product that a SKU is reserved for.
pub(super) fn sku_owner(item: Item) -> Result<ProductId, Failure> {
    serde_dynamo::from_item(item).map(|item: SkuItem| item.product_id).map_err(|cause| malformed("a SKU", cause))
}

pub(super) fn to_product(item: Item) -> Result<Product, Failure> {
    serde_dynamo::from_item(item).map_err(malformed_product)
}

/// The product in an image of the table's stream, with the attributes as plain JSON. `None` for the other kinds of items. `Unavailable` for one
/// with a word that this version of the code does not know, such as a newer one writes.
pub fn product_from_image(image: &Value) -> Result<Option<Product>, Failure> {
    match image.get(KEY).and_then(Value::as_str) {
        Some(key) if key.starts_with(PRODUCT) => Product::deserialize(image).map(Some).map_err(|cause| {
            if cause.to_string().starts_with("unknown variant `") {
                Failure { code: "newer-item", ..Failure::unavailable(super::DEPENDENCY, cause) }
            } else {
                malformed_product(cause)
            }
        }),
        _ => Ok(None),
    }
}

fn malformed_product(cause: impl std::fmt::Display) -> Failure {
    malformed("a product", cause)
}

fn malformed(item: &str, cause: impl std::fmt::Display) -> Failure {
    Failure { code: ports::PRODUCT_MALFORMED, ..Failure::internal(format!("the item of {item} is malformed: {cause}")) }
}
