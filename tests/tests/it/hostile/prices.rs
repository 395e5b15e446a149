//! The price that was shown, a catalogue that is down, and one request that would cause a hundred.

use crate::functions::{USER, sample_time};
use domain::order::{OrderLimits, ProductSnapshot, Rates};
use edge::{
    Clock,
    http::{Access, Route},
    testing,
};
use serde_json::{Value, json};
use std::cell::Cell;
use testkit::{
    Dependency, Platform,
    build::{self, usd},
    ids,
};

const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, Access::Roles(&[catalog::role::CUSTOMER])).idempotent();

/// order-place, called by one customer.
#[derive(Default)]
struct OrderClient {
    platform: Platform,
    limits: OrderLimits,
    calls: Cell<u64>,
}

impl OrderClient {
    /// Puts product `n` into the catalogue, and its price into the copy of orders.
    fn sell(&self, n: u64, cents: i64) -> ProductSnapshot {
        let product = build::product().number(n).price(usd(cents)).created();
        self.platform.products().put(&product);
        self.platform.orders().put_price(&product.snapshot());
        product.snapshot()
    }

    /// Sends a request under a key of its own. Returns status and body.
    async fn place(&self, items: &Value) -> (u64, Value) {
        self.calls.set(self.calls.get() + 1);
        let mut body = build::place_order_json(&[]);
        body["items"] = items.clone();
        let request =
            testing::http_event("POST", "/api/v1/orders").key(&format!("key-{}", self.calls.get())).body(body);
        let request = request.principal(USER.0, catalog::role::CUSTOMER).build();
        let (orders, catalogue) = (self.platform.orders(), self.platform.product_snapshots());
        let clock = Clock::at(sample_time(), 4_000 + self.calls.get());
        let handler =
            async |call| order_place::handle(&orders, &catalogue, (self.limits, &Rates::default()), call).await;
        let response = edge::http::respond(&PLACE, request, &clock, &handler).await;
        let body = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
        (response["statusCode"].as_u64().expect("a status"), body)
    }

    /// Orders and events that are stored, and requests to the catalogue.
    fn state(&self) -> [usize; 3] {
        let p = &self.platform;
        [p.orders().all().len(), p.bus().published().len(), p.product_snapshots().request_count()]
    }
}

fn item(n: u64) -> Value {
    json!({ "product_id": ids::product(n), "quantity": 1 })
}

fn expecting(n: u64, price: &Value) -> Value {
    json!({ "product_id": ids::product(n), "quantity": 1, "expected_unit_price": price })
}

#[tokio::test]
async fn known_products_are_ordered_while_the_catalogue_is_down() {
    let shop = OrderClient::default();
    shop.sell(1, 1_999);
    shop.platform.faults().take_down(Dependency::Table);
    assert_eq!(shop.place(&json!([item(1)])).await.0, 201);
    assert_eq!(shop.state(), [1, 1, 0]);
    let (status, problem) = shop.place(&json!([item(1), item(2)])).await;
    assert_eq!((status, &problem["type"]), (503, &json!("/problems/unavailable")));
    assert_eq!(shop.state(), [1, 1, 1]);
}

#[tokio::test]
async fn hundred_unknown_products_cause_one_request() {
    let shop = OrderClient::default();
    let (status, problem) = shop.place(&(1..=100).map(item).collect()).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/items/0/product_id")));
    assert_eq!(shop.state(), [0, 0, 1]);
    (1..=100).for_each(|n| drop(shop.sell(n, 500)));
    (101..=103).for_each(|n| shop.platform.products().put(&build::product().number(n).price(usd(500)).created()));
    assert_eq!(shop.place(&(4..=103).map(item).collect()).await.0, 201);
    assert_eq!(shop.state(), [1, 1, 2], "one request for three products that the copy lacks");
    assert_eq!(shop.place(&(101..=103).map(item).collect()).await.0, 201);
    assert_eq!(shop.state(), [2, 2, 2], "what the catalogue said is in the copy");
}

#[tokio::test]
async fn other_price_than_the_expected_one_is_409_with_both_and_writes_nothing() {
    let usd = |cents: i64| json!({ "amount": cents, "currency": "USD" });
    for (expected, status, code) in [
        (usd(1_999), 201, Value::Null),
        (json!(null), 201, Value::Null),
        (usd(1_998), 409, json!("/problems/price-changed")),
        (usd(2_000), 409, json!("/problems/price-changed")),
        (usd(0), 409, json!("/problems/price-changed")),
        (json!({ "amount": 1_999, "currency": "EUR" }), 409, json!("/problems/price-changed")),
        (usd(-1), 422, json!("/problems/validation")),
        (json!({ "amount": 19.99, "currency": "USD" }), 422, json!("/problems/validation")),
        (json!("19.99 USD"), 422, json!("/problems/validation")),
    ] {
        let shop = OrderClient::default();
        shop.sell(1, 500);
        shop.sell(2, 1_999);
        let (answered, body) = shop.place(&json!([item(1), expecting(2, &expected)])).await;
        assert_eq!((answered, &body["type"]), (status, &code), "{expected}: {body}");
        let stored = usize::from(status == 201);
        assert_eq!(shop.state(), [stored, stored, 0], "{expected}");
        if status == 409 {
            let both =
                json!([{ "product_id": ids::product(2), "expected_unit_price": expected, "unit_price": usd(1_999) }]);
            assert_eq!(
                (&body["prices"], &body["errors"][0]["pointer"]),
                (&both, &json!("/items/1/expected_unit_price"))
            );
        }
    }
}

#[tokio::test]
async fn key_of_a_request_with_a_changed_price_can_be_used_again() {
    let shop = OrderClient::default();
    let lamp = shop.sell(1, 1_999);
    let wrong = json!([expecting(1, &json!({ "amount": 1, "currency": "USD" }))]);
    assert_eq!(shop.place(&wrong).await.0, 409);
    shop.calls.set(shop.calls.get() - 1);
    assert_eq!(shop.place(&json!([expecting(1, &json!(lamp.price))])).await.0, 201);
}

#[tokio::test]
async fn cached_price_is_never_charged_if_outdated() {
    let shop = OrderClient::default();
    let old = shop.sell(1, 1_999);
    assert_eq!(shop.place(&json!([item(1)])).await.0, 201);
    let new = ProductSnapshot { price: usd(2_500), version: 2, ..old.clone() };
    shop.platform.orders().put_price(&new);
    assert_eq!(shop.place(&json!([expecting(1, &json!(old.price))])).await.0, 409, "the price that was remembered");
    let newer = ProductSnapshot { price: usd(2_600), version: 3, ..old.clone() };
    shop.platform.orders().put_price(&newer);
    assert_eq!(shop.place(&json!([expecting(1, &json!(newer.price))])).await.0, 201, "the price of the copy");
    let newest = ProductSnapshot { price: usd(2_700), version: 4, ..old.clone() };
    shop.platform.orders().put_price(&newest);
    let (status, order) = shop.place(&json!([item(1)])).await;
    assert_eq!((status, &order["total_amount"]["amount"]), (201, &json!(2_700)));
    let withdrawn = ProductSnapshot { active: false, version: 5, ..newest };
    shop.platform.orders().put_price(&withdrawn);
    assert_eq!(shop.place(&json!([item(1)])).await.0, 422);
    assert_eq!(shop.state(), [3, 3, 0]);
}

#[tokio::test]
async fn lines_are_capped_by_configuration() {
    let shop = OrderClient { limits: OrderLimits { lines: 2, ..OrderLimits::default() }, ..OrderClient::default() };
    (1..=3).for_each(|n| drop(shop.sell(n, 500)));
    assert_eq!(shop.place(&json!([item(1), item(2)])).await.0, 201);
    let (status, problem) = shop.place(&json!([item(1), item(2), item(3)])).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/items")));
    assert_eq!(shop.state(), [1, 1, 0]);
}
