//! Repeated keys: what counts as the same request, and what its response is.

use super::{Fixture, PRODUCT, Request, USER, rejected};
use kernel::Uuid;
use serde_json::{Value, json};

const ANOTHER_USER: Uuid = Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0002);

#[tokio::test]
async fn repeated_request_replays_the_first_response_and_places_no_order() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.headers.get("idempotent-replayed"), None);
    assert!(
        first.headers["location"]
            .as_str()
            .is_some_and(|at| first.json()["id"].as_str().is_some_and(|id| at.ends_with(id)))
    );
    assert_eq!(first.headers["etag"], "\"1\"");
    for _ in 0..3 {
        fixture.place(&Request::order()).await.repeats(&first);
    }
    assert_eq!((fixture.orders().await, fixture.database.bus().published().len()), (1, 1));
}

#[tokio::test]
async fn equivalent_json_spellings_are_the_same_request() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    assert_eq!(first.status, 201);
    let body = Request::order().body();
    let mut members: Vec<_> = body.as_object().expect("an object").iter().collect();
    members.reverse();
    let reordered: Vec<String> = members.iter().map(|(name, value)| format!("{name:?} :\n\t{value:#}")).collect();
    let reordered = format!(" {{ {} }} ", reordered.join(" , "));
    assert_ne!(reordered, Request::order().0["body"]);
    fixture.place(&Request::order().text(&reordered)).await.repeats(&first);
    let escaped = body.to_string().replace("Harbour", "\\u0048arbour");
    fixture.place(&Request::order().text(&escaped)).await.repeats(&first);
    assert_eq!(fixture.orders().await, 1);
}

#[tokio::test]
async fn key_reused_with_a_different_body_is_422_and_the_first_response_stays() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    for other in [
        Request::order().with("/items/0/quantity", 3),
        Request::order().with("/shipping_address/line1", "2 Harbour Way"),
        Request::order().with(
            "/items",
            json!([{ "product_id": PRODUCT, "quantity": 2 }, { "product_id": Uuid::nil(), "quantity": 1 }]),
        ),
        Request::order().with("/payment_method", "pm_card_mastercard"),
    ] {
        let seen = fixture.place(&other).await;
        assert_eq!(seen.problem(), rejected(422, "idempotency-key-reused"));
        assert!(
            !seen.body.contains(first.json()["id"].as_str().expect("an id")),
            "the problem reveals nothing of the first order"
        );
    }
    fixture.place(&Request::order()).await.repeats(&first);
    assert_eq!(fixture.orders().await, 1);
}

#[tokio::test]
async fn key_is_scoped_to_user_and_route() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    let theirs = fixture.place(&Request::order().by(ANOTHER_USER)).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(theirs.json()["id"], first.json()["id"]);
    assert_eq!(theirs.json()["user_id"], json!(ANOTHER_USER));
    let scopes = fixture.database.rows("SELECT scope FROM orders.idempotency ORDER BY scope").await;
    let scopes: Vec<String> = scopes.iter().map(|row| row.get(0)).collect();
    assert_eq!(scopes, [USER.0, ANOTHER_USER].map(|user| format!("{user}:{}", catalog::ORDER_PLACE.name)));
}

#[tokio::test]
async fn missing_or_invalid_key_is_400_naming_the_header_before_any_store_call() {
    let fixture = Fixture::open().await;
    let mut none = Request::order();
    none.0["headers"].as_object_mut().expect("headers").remove("idempotency-key");
    let seen = fixture.place(&none).await;
    assert_eq!(seen.problem(), rejected(400, "idempotency-key-missing"));
    assert!(seen.json()["detail"].as_str().is_some_and(|detail| detail.contains("Idempotency-Key")), "{}", seen.body);
    for bad in ["", " ", "two words", "schlüssel", "tab\there", "line\nbreak", "\u{7f}", &"k".repeat(256)] {
        let seen = fixture.place(&Request::order().key(bad)).await;
        assert_eq!(seen.status, 400, "{bad:?}: {}", seen.body);
    }
    assert_eq!(fixture.database.number(super::ORDER_ROWS).await, 0);
}

#[tokio::test]
async fn key_is_1_to_255_visible_characters_all_of_them_significant() {
    let fixture = Fixture::open().await;
    let long = "k".repeat(254);
    let keys = [
        "0",
        "null",
        "a,b",
        "\"quoted\"",
        "'; DROP TABLE orders --",
        "%00",
        "A",
        "a",
        &format!("{long}1"),
        &format!("{long}2"),
    ]
    .map(|key| key.replace(' ', "_"));
    for key in &keys {
        assert_eq!(fixture.place(&Request::order().key(key)).await.headers.get("idempotent-replayed"), None, "{key}");
    }
    for key in &keys {
        assert_eq!(fixture.place(&Request::order().key(key)).await.headers["idempotent-replayed"], "true", "{key}");
    }
    assert_eq!(fixture.orders().await, i64::try_from(keys.len()).expect("a few"));
}

#[tokio::test]
async fn large_unicode_response_is_replayed_byte_for_byte() {
    let fixture = Fixture::open().await;
    let names = "Ünïcödé “照明” 👩‍🚀 \u{2028} \\ \" / \u{feff}".repeat(3);
    let mut items = Vec::new();
    for n in 0..50_u64 {
        let product = testkit::build::product().number(n).name(&names).created();
        items.push(json!({ "product_id": product.id, "quantity": 1 }));
        fixture.platform.products().put(&product);
    }
    let large = Request::order().with("/items", Value::from(items)).with("/shipping_address/line1", "Straße “ß” 1");
    let first = fixture.place(&large).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert!(first.body.len() > 10_000, "{}", first.body.len());
    fixture.place(&large).await.repeats(&first);
}

#[tokio::test]
async fn permanent_rejection_is_replayed_even_if_it_would_succeed_now() {
    let fixture = Fixture::open().await;
    let product = testkit::build::product().number(77).created();
    let too_dear = testkit::build::product().number(77).price(testkit::build::usd(domain::money::MAX_AMOUNT));
    fixture.platform.products().put(&too_dear.created());
    let request = Request::order().with("/items/0/product_id", json!(product.id));
    let first = fixture.place(&request).await;
    assert_eq!(first.problem(), rejected(422, "validation"));
    fixture.platform.products().put(&product);
    fixture.place(&request).await.repeats(&first);
    assert_eq!(fixture.place(&request.key("a-new-key")).await.status, 201);
    assert_eq!(fixture.orders().await, 1);
}

#[tokio::test]
async fn later_changes_do_not_change_the_replayed_response() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    let dearer = testkit::build::product().id(PRODUCT).price(testkit::build::usd(999_999)).created();
    fixture.platform.products().put(&dearer);
    fixture.place(&Request::order()).await.repeats(&first);
    fixture.database.execute("UPDATE orders.orders SET status = 'cancelled', version = 9").await;
    fixture.place(&Request::order()).await.repeats(&first);
}
