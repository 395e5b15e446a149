//! Failed requests leave no record and can be retried; the response of a committed request stays.

use super::{Fixture, ORDER_ROWS, Request, place, rejected, route, sample_time};
use adapters_postgres::{Database, Login, PasswordSource, PgOrders, Settings, Tls};
use adapters_testkit::postgres::BusBehavior;
use edge::http::{Call, Reply};
use kernel::{Failure, Uuid};
use std::sync::Arc;
use testkit::Dependency;

#[tokio::test]
async fn failed_handler_leaves_no_record_and_can_be_retried() {
    let fixture = Fixture::open().await;
    fixture.platform.faults().take_down(Dependency::Table);
    assert_eq!(fixture.place(&Request::order()).await.problem(), rejected(503, "unavailable"));
    assert_eq!(fixture.database.number(ORDER_ROWS).await, 0);
    fixture.platform.faults().restore_all();
    let again = fixture.place(&Request::order()).await;
    assert_eq!((again.status, again.headers.get("idempotent-replayed")), (201, None));
}

#[tokio::test]
async fn panicking_handler_leaves_no_record() {
    let fixture = Fixture::open().await;
    let orders = fixture.database.orders();
    let panics = async |call: Call<domain::order::PlaceOrder>| -> Result<Reply<()>, Failure> {
        ports::OrderStore::get(&orders, domain::id::OrderId(Uuid::nil()), None).await?;
        panic!("{:?}", call.idempotency_key()?.key)
    };
    let clock = fixture.clock(sample_time());
    let response = edge::http::respond(&route(catalog::ORDER_PLACE), Request::order().0, &clock, &panics).await;
    assert_eq!(response["statusCode"], 500);
    assert_eq!(fixture.database.number(ORDER_ROWS).await, 0);
    assert_eq!(place(&orders, &fixture.platform, &Request::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn invalid_request_never_reaches_the_store() {
    let fixture = Fixture::open().await;
    for (request, expected) in [
        (Request::order().text("{"), rejected(400, "malformed-json")),
        (Request::order().text(""), rejected(400, "malformed-json")),
        (Request::order().text("null"), rejected(422, "validation")),
        (Request::order().with("/items/0/quantity", 0), rejected(422, "validation")),
        (Request::order().with("/items/0/quantity", "NaN"), rejected(422, "validation")),
    ] {
        assert_eq!(fixture.place(&request).await.problem(), expected);
    }
    assert_eq!(fixture.database.number(ORDER_ROWS).await, 0);
    assert_eq!(fixture.place(&Request::order()).await.status, 201, "the key is still free");
}

#[tokio::test]
async fn unreachable_database_is_503_with_retry_after_and_stores_nothing() {
    let fixture = Fixture::open().await;
    // Nothing listens on port 1.
    let settings = Settings::new(Login { host: "127.0.0.1", port: 1, database: "none", user: "none" }, Tls::Off);
    let unreachable = PgOrders::new(Arc::new(Database::new(settings, PasswordSource::Trust)), fixture.database.bus());
    let clock = fixture.clock(sample_time());
    let down = place(&unreachable, &fixture.platform, &Request::order(), &clock).await;
    assert_eq!(down.problem(), rejected(503, "unavailable"));
    assert!(down.headers["retry-after"].is_string(), "{down:?}");
    assert_eq!((fixture.database.number(ORDER_ROWS).await, fixture.database.bus().published().len()), (0, 0));
    assert_eq!(place(&fixture.database.orders(), &fixture.platform, &Request::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn failure_after_the_commit_rolls_nothing_back() {
    let fixture = Fixture::open().await;
    fixture.database.bus().set_behavior(BusBehavior::Fail);
    let first = fixture.place(&Request::order()).await;
    assert_eq!(first.status, 201);
    fixture.place(&Request::order()).await.repeats(&first);
    assert_eq!(fixture.orders().await, 1);
}

#[tokio::test]
async fn unreadable_record_is_500_and_places_no_second_order() {
    let fixture = Fixture::open().await;
    fixture.place(&Request::order()).await;
    for broken in ["status = -1", "status = 70000", "status = 201, headers = '{}'"] {
        fixture.database.execute(&format!("UPDATE orders.idempotency SET {broken}")).await;
        let seen = fixture.place(&Request::order()).await;
        assert_eq!(seen.problem(), rejected(500, "internal"), "{broken}");
    }
    assert_eq!(fixture.orders().await, 1);
}
