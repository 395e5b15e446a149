//! Fixtures of the tests.

use adapters_testkit::postgres::{TestDatabase, database_url};
use domain::{
    DomainEvent, Event, Money,
    address::Address,
    event::{OrderPlaced, ProductCreated, StockLine, StockReleased, StockReservationFailed},
    id::{OrderId, ProductId, UserId},
    order::{self, Order, PlaceOrder, ProductSnapshot},
    stock::Reservation,
    text::{Category, PaymentMethod, ProductName},
};
use kernel::{CloudEvent, IdempotencyKey, StoredReply, Timestamp, TraceContext, Uuid};
use ports::Claim;
use serde_json::json;

/// A migrated database of the test's own.
pub async fn database() -> TestDatabase {
    adapters_testkit::postgres::fresh_database(&database_url()).await
}

pub fn id() -> Uuid {
    Uuid::now_v7()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// The time of all tests.
pub fn now() -> Timestamp {
    at("2026-11-21T08:45:00.123456Z")
}

pub fn claim() -> Claim {
    Claim { consumer: "tester", event_id: id() }
}

/// An event with `data`, at [`now`].
pub fn event(data: impl Into<DomainEvent>) -> Event {
    event_at(now(), data)
}

pub fn event_at(time: Timestamp, data: impl Into<DomainEvent>) -> Event {
    CloudEvent::new(id(), "subject", 1, time, &TraceContext::new(id()), data)
}

pub fn address() -> Address {
    serde_json::from_value(json!({
        "line1": "1 Quay", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"
    }))
    .expect("an address")
}

pub fn card() -> PaymentMethod {
    PaymentMethod::parse("pm_card_visa").expect("a token")
}

pub fn usd(cents: i64) -> Money {
    Money::new(cents, "USD").expect("an amount")
}

/// An order of two products, and its event.
pub fn placed(user: UserId, time: Timestamp) -> (Order, Event) {
    let snapshots: Vec<ProductSnapshot> = [("Anchor", 1999), ("Rope é \"3m\"", 250)]
        .into_iter()
        .map(|(name, cents)| ProductSnapshot {
            product_id: ProductId(id()),
            name: ProductName::parse(name).expect("a name"),
            category: Category::parse("rigging").expect("a category"),
            price: usd(cents),
            active: true,
            version: 1,
        })
        .collect();
    let items: Vec<_> =
        snapshots.iter().zip(1..).map(|(o, n)| json!({ "product_id": o.product_id, "quantity": n })).collect();
    let command: PlaceOrder = serde_json::from_value(json!({
        "items": items, "shipping_address": address(), "payment_method": card()
    }))
    .expect("a command");
    let (order, data): (Order, OrderPlaced) =
        order::place(OrderId(id()), user, command, &snapshots, &order::Rates::default(), time)
            .expect("the order is placed");
    (order, event_at(time, data))
}

pub fn key(key: &str, fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey { scope: "customer-1 POST /orders".into(), key: key.into(), fingerprint: fingerprint.into() }
}

/// A response whose exact bytes matter.
pub fn reply(status: u16) -> StoredReply {
    StoredReply {
        status,
        headers: vec![("etag".to_owned(), "\"1\"".to_owned())],
        body: "{\"b\": 1,   \"a\":\"ü\"}\n".to_owned(),
    }
}

/// A product with `units` in stock.
pub fn product(units: u32) -> ProductCreated {
    serde_json::from_value(json!({
        "product_id": id(), "sku": "ANCHOR-1", "name": "Anchor", "category": "deck",
        "price": usd(1999), "stock_quantity": units,
    }))
    .expect("a product")
}

/// The reservation of an order with these lines, in this order, and its two possible events.
pub fn reservation_of(lines: &[(ProductId, u32)]) -> (Reservation, Event, Event) {
    let lines: Vec<_> =
        lines.iter().map(|(product_id, quantity)| StockLine { product_id: *product_id, quantity: *quantity }).collect();
    let reservation = Reservation {
        reserved: serde_json::from_value(json!({
            "order_id": id(), "user_id": id(), "amount": usd(1), "payment_method": card(), "lines": lines,
        }))
        .expect("an event"),
        failed: StockReservationFailed { order_id: OrderId(id()), lines: lines.clone() },
        lines,
    };
    let (reserved, failed) = (event(reservation.reserved.clone()), event(reservation.failed.clone()));
    (reservation, reserved, failed)
}

/// The event of a release.
pub fn released(order: OrderId) -> Event {
    event(StockReleased { order_id: order, levels: vec![] })
}

/// When a reservation of [`now`] expires.
pub fn expires_at() -> Timestamp {
    domain::stock::expires_at(now()).expect("a time")
}

/// Rows and index entries of a schema that `call` reads, on connections that it opens and closes.
pub async fn rows_read<T>(database: &TestDatabase, schema: &str, call: impl AsyncFnOnce() -> T) -> (T, i64) {
    let read = format!(
        "SELECT (SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = '{schema}')
            + (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE schemaname = '{schema}')"
    );
    // The figures are complete when the connections have ended.
    let settled = "SELECT count(*) FROM (SELECT count(*) AS others FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()) AS a WHERE others = 0";
    database.wait_until(settled).await;
    let before = database.number(&read).await;
    let result = call().await;
    database.wait_until(settled).await;
    (result, database.number(&read).await - before)
}
