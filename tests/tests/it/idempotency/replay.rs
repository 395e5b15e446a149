//! The same key again: what counts as the same request, and what it is answered.

use super::{Ask, Fixture, PRODUCT, USER, refused};
use kernel::Uuid;
use serde_json::{Value, json};

const SOMEBODY_ELSE: Uuid = Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0002);

#[tokio::test]
async fn repeated_request_replays_the_first_response_and_places_no_order() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.headers.get("idempotent-replayed"), None);
    assert!(
        first.headers["location"]
            .as_str()
            .is_some_and(|at| first.json()["id"].as_str().is_some_and(|id| at.ends_with(id)))
    );
    assert_eq!(first.headers["etag"], "\"1\"");
    for _ in 0..3 {
        shop.place(&Ask::order()).await.repeats(&first);
    }
    assert_eq!((shop.orders().await, shop.database.bus().published().len()), (1, 1));
}

#[tokio::test]
async fn equivalent_json_spellings_are_the_same_request() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    assert_eq!(first.status, 201);
    let body = Ask::order().body();
    let mut members: Vec<_> = body.as_object().expect("an object").iter().collect();
    members.reverse();
    let turned: Vec<String> = members.iter().map(|(name, value)| format!("{name:?} :\n\t{value:#}")).collect();
    let turned = format!(" {{ {} }} ", turned.join(" , "));
    assert_ne!(turned, Ask::order().0["body"]);
    shop.place(&Ask::order().text(&turned)).await.repeats(&first);
    let escaped = body.to_string().replace("Harbour", "\\u0048arbour");
    shop.place(&Ask::order().text(&escaped)).await.repeats(&first);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn key_reused_with_a_different_body_is_422_and_the_first_response_stays() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    for other in [
        Ask::order().with("/items/0/quantity", 3),
        Ask::order().with("/shipping_address/line1", "2 Harbour Way"),
        Ask::order().with(
            "/items",
            json!([{ "product_id": PRODUCT, "quantity": 2 }, { "product_id": Uuid::nil(), "quantity": 1 }]),
        ),
        Ask::order().with("/payment_method", "pm_card_mastercard"),
    ] {
        let seen = shop.place(&other).await;
        assert_eq!(seen.problem(), refused(422, "idempotency-key-reused"));
        assert!(!seen.body.contains(first.json()["id"].as_str().expect("an id")), "it tells nothing of the first");
    }
    shop.place(&Ask::order()).await.repeats(&first);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn key_is_scoped_to_user_and_route() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    let theirs = shop.place(&Ask::order().by(SOMEBODY_ELSE)).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(theirs.json()["id"], first.json()["id"]);
    assert_eq!(theirs.json()["user_id"], json!(SOMEBODY_ELSE));
    let scopes = shop.database.rows("SELECT scope FROM orders.idempotency ORDER BY scope").await;
    let scopes: Vec<String> = scopes.iter().map(|row| row.get(0)).collect();
    assert_eq!(scopes, [USER.0, SOMEBODY_ELSE].map(|user| format!("{user}:{}", catalog::ORDER_PLACE.name)));
}

#[tokio::test]
async fn missing_or_invalid_key_is_400_naming_the_header_before_any_store_call() {
    let shop = Fixture::open().await;
    let mut none = Ask::order();
    none.0["headers"].as_object_mut().expect("headers").remove("idempotency-key");
    let seen = shop.place(&none).await;
    assert_eq!(seen.problem(), refused(400, "idempotency-key-missing"));
    assert!(seen.json()["detail"].as_str().is_some_and(|detail| detail.contains("Idempotency-Key")), "{}", seen.body);
    for bad in ["", " ", "two words", "schlüssel", "tab\there", "line\nbreak", "\u{7f}", &"k".repeat(256)] {
        let seen = shop.place(&Ask::order().key(bad)).await;
        assert_eq!(seen.status, 400, "{bad:?}: {}", seen.body);
    }
    assert_eq!(shop.database.number(super::TRACES).await, 0);
}

#[tokio::test]
async fn key_is_1_to_255_visible_characters_all_of_them_significant() {
    let shop = Fixture::open().await;
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
        assert_eq!(shop.place(&Ask::order().key(key)).await.headers.get("idempotent-replayed"), None, "{key}");
    }
    for key in &keys {
        assert_eq!(shop.place(&Ask::order().key(key)).await.headers["idempotent-replayed"], "true", "{key}");
    }
    assert_eq!(shop.orders().await, i64::try_from(keys.len()).expect("a few"));
}

#[tokio::test]
async fn large_unicode_response_is_replayed_byte_for_byte() {
    let shop = Fixture::open().await;
    let names = "Ünïcödé “照明” 👩‍🚀 \u{2028} \\ \" / \u{feff}".repeat(3);
    let mut items = Vec::new();
    for n in 0..50_u64 {
        let product = testkit::build::product().number(n).name(&names).created();
        items.push(json!({ "product_id": product.id, "quantity": 1 }));
        shop.platform.products().put(&product);
    }
    let large = Ask::order().with("/items", Value::from(items)).with("/shipping_address/line1", "Straße “ß” 1");
    let first = shop.place(&large).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert!(first.body.len() > 10_000, "{}", first.body.len());
    shop.place(&large).await.repeats(&first);
}

#[tokio::test]
async fn permanent_rejection_is_replayed_even_if_it_would_succeed_now() {
    let shop = Fixture::open().await;
    let product = testkit::build::product().number(77).created();
    let too_dear = testkit::build::product().number(77).price(testkit::build::usd(domain::money::MAX_AMOUNT));
    shop.platform.products().put(&too_dear.created());
    let ask = Ask::order().with("/items/0/product_id", json!(product.id));
    let first = shop.place(&ask).await;
    assert_eq!(first.problem(), refused(422, "validation"));
    shop.platform.products().put(&product);
    shop.place(&ask).await.repeats(&first);
    assert_eq!(shop.place(&ask.key("a-new-key")).await.status, 201);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn later_changes_do_not_change_the_replayed_response() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    let dearer = testkit::build::product().id(PRODUCT).price(testkit::build::usd(999_999)).created();
    shop.platform.products().put(&dearer);
    shop.place(&Ask::order()).await.repeats(&first);
    shop.database.execute("UPDATE orders.orders SET status = 'cancelled', version = 9").await;
    shop.place(&Ask::order()).await.repeats(&first);
}
