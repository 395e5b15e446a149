//! Conversion of items, and outcomes of cancelled transactions.

use super::*;
use serde_json::{Value, json};

fn product() -> Product {
    serde_json::from_value(json!({
        "id": "0192f0c1-2345-7abc-8def-0123456789ab",
        "sku": "LAMP-1",
        "name": "Lamp",
        "description": "",
        "category": "lighting",
        "price": { "amount": 1999, "currency": "USD" },
        "active": true,
        "stock_quantity": 7,
        "stock_version": 2,
        "version": 1,
        "created_at": "2026-11-21T08:45:00Z",
        "updated_at": "2026-11-21T08:45:00Z",
    }))
    .unwrap()
}

fn key(fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey { scope: "u:product-create".into(), key: "k-1".into(), fingerprint: fingerprint.into() }
}

fn reply() -> StoredReply {
    StoredReply { status: 201, headers: vec![("etag".into(), "\"1\"".into())], body: "{\"id\":1}".into() }
}

fn reasons(codes: [&str; 3], first_item: Option<Item>) -> Vec<CancellationReason> {
    let mut reasons: Vec<_> = codes.map(|code| CancellationReason::builder().code(code)).into();
    reasons[0] = reasons[0].clone().set_item(first_item);
    reasons.into_iter().map(|reason| reason.build()).collect()
}

#[test]
fn product_survives_a_round_trip_through_its_item() {
    assert_eq!(item::to_product(item::product(&product()).unwrap()), Ok(product()));
    let image = json!({
        "id": "0192f0c1-2345-7abc-8def-0123456789ac", "media_type": "image/png", "state": "refused",
        "reason": "trailing_data", "added_at": "2026-11-21T08:45:00Z",
    });
    let images = vec![serde_json::from_value(image).unwrap()];
    let staff = kernel::Principal { id: kernel::Uuid::max(), role: "staff".to_owned() };
    let withdrawn = Product { active: false, images, ..product() }.by(Some(&staff));
    assert_eq!(item::to_product(item::product(&withdrawn).unwrap()), Ok(withdrawn));
}

#[test]
fn change_by_staff_names_the_attributes_that_the_catalog_allows() {
    let update = Change::of(&product()).unwrap();
    let mut names: Vec<&str> = update.names.values().map(String::as_str).collect();
    names.sort_unstable();
    let Some(catalog::Uses::Table(_, actions)) = catalog::PRODUCT_UPDATE.resources().next() else { panic!("no table") };
    let allowed = actions.iter().find_map(|action| match action {
        catalog::Action::UpdateItem(names) => Some(names.to_vec()),
        _ => None,
    });
    let mut allowed = allowed.unwrap();
    allowed.sort_unstable();
    assert_eq!(names, allowed);
    assert!(!names.contains(&"stock_quantity") && !names.contains(&"sku"), "{names:?}");
}

#[test]
fn stream_image_of_a_product_is_parsed_and_others_are_ignored() {
    let image = json!({
        "pk": "PRODUCT#0192f0c1-2345-7abc-8def-0123456789ab", "id": "0192f0c1-2345-7abc-8def-0123456789ab",
        "sku": "LAMP-1", "name": "Lamp", "description": "", "category": "lighting",
        "price": { "amount": 1999, "currency": "USD" }, "stock_quantity": 7, "stock_version": 2, "version": 1,
        "created_at": "2026-11-21T08:45:00Z", "updated_at": "2026-11-21T08:45:00Z", "added_later": true,
    });
    assert_eq!(product_from_image(&image), Ok(Some(product())));
    for pk in ["SKU#LAMP-1", "IDEM#u:product-create#k-1"] {
        assert_eq!(product_from_image(&json!({ "pk": pk })), Ok(None));
    }
    assert!(product_from_image(&json!({ "pk": "PRODUCT#1" })).is_err());
}

#[test]
fn idempotency_record_expires_a_day_after_the_request() {
    let item = item::idempotency(&key("f"), &reply(), "2026-11-21T00:00:00Z".parse().unwrap()).unwrap();
    let expires: i64 = item["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(Timestamp::from_second(expires).unwrap().to_string(), "2026-11-22T00:00:00Z");
}

#[test]
fn record_without_headers_replays_without_headers() {
    let mut item = item::idempotency(&key("f"), &reply(), product().created_at).unwrap();
    assert_eq!(item::replay(&item, &key("f")), Ok(IdempotencyOutcome::Replayed(reply())));
    item.remove("headers");
    assert_eq!(
        item::replay(&item, &key("f")),
        Ok(IdempotencyOutcome::Replayed(StoredReply { headers: vec![], ..reply() }))
    );
}

#[test]
fn malformed_record_is_an_internal_error() {
    let text = |text: &str| AttributeValue::S(text.into());
    for (name, broken) in [
        ("fingerprint", AttributeValue::Bool(true)),
        ("status", text("201")),
        ("status", item::number(-1)),
        ("body", AttributeValue::Bool(true)),
        ("headers", text("etag")),
        ("headers", AttributeValue::L(vec![AttributeValue::L(vec![text("etag")])])),
    ] {
        let mut item = item::idempotency(&key("f"), &reply(), product().created_at).unwrap();
        item.insert(name.into(), broken);
        let failure = item::replay(&item, &key("f")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal, "{name}");
    }
}

#[test]
fn repeated_request_is_replayed_and_a_different_one_is_rejected() {
    let item = item::idempotency(&key("f"), &reply(), product().created_at).unwrap();
    let cancelled = reasons(["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], Some(item));
    assert_eq!(outcome_of(&cancelled, &key("f")), Ok(Some(IdempotencyOutcome::Replayed(reply()))));
    let failure = outcome_of(&cancelled, &key("other")).unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Invalid, "idempotency-key-reused"));
}

#[test]
fn rejection_without_the_stored_record_is_retried() {
    let cancelled = reasons(["ConditionalCheckFailed", "None", "None"], None);
    assert_eq!(outcome_of(&cancelled, &key("f")).unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn taken_sku_is_a_conflict_that_names_the_field() {
    let cancelled = reasons(["None", "ConditionalCheckFailed", "None"], None);
    assert_eq!(outcome_of(&cancelled, &key("f")), Ok(None));
    let failure = sku_taken();
    assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "sku-taken"));
    assert_eq!(failure.fields[0].pointer, "/sku");
}

#[test]
fn concurrent_requests_with_one_key_conflict_and_with_one_sku_retry() {
    let failure = outcome_of(&reasons(["TransactionConflict", "None", "None"], None), &key("f")).unwrap_err();
    assert_eq!(failure.code, "idempotency-key-in-flight");
    let failure = outcome_of(&reasons(["None", "TransactionConflict", "None"], None), &key("f")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[test]
fn stream_image_that_is_not_an_object_is_ignored() {
    assert_eq!(product_from_image(&Value::Null), Ok(None));
}

#[test]
fn sku_and_idempotency_record_have_their_own_keys() {
    let lamp = product();
    let sku = item::sku_item(&lamp).unwrap();
    assert_eq!(sku.get(item::KEY).and_then(|value| value.as_s().ok()).map(String::as_str), Some("SKU#LAMP-1"));
    assert_eq!(sku.get("product_id").and_then(|value| value.as_s().ok()), Some(&lamp.id.to_string()));
    assert_eq!(item::idempotency_key(&key("f")), "IDEM#u:product-create#k-1");
}
