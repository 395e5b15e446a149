//! What fails leaves no record, so that it can be asked again; what is committed stays told.

use super::{Ask, Fixture, TRACES, moment, place, refused, route};
use adapters_postgres::{Database, PasswordSource, PgOrders, Settings, Tls};
use adapters_testkit::postgres::BusBehavior;
use edge::http::{Call, Reply};
use kernel::{Failure, Uuid};
use std::sync::Arc;
use testkit::Dependency;

#[tokio::test]
async fn failed_handler_leaves_no_record_and_can_be_retried() {
    let shop = Fixture::open().await;
    shop.platform.faults().take_down(Dependency::Table);
    assert_eq!(shop.place(&Ask::order()).await.problem(), refused(503, "unavailable"));
    assert_eq!(shop.database.number(TRACES).await, 0);
    shop.platform.faults().restore_all();
    let again = shop.place(&Ask::order()).await;
    assert_eq!((again.status, again.headers.get("idempotent-replayed")), (201, None));
}

#[tokio::test]
async fn panicking_handler_leaves_no_record() {
    let shop = Fixture::open().await;
    let orders = shop.database.orders();
    let panics = async |call: Call<domain::order::PlaceOrder>| -> Result<Reply<()>, Failure> {
        ports::OrderStore::get(&orders, domain::id::OrderId(Uuid::nil()), None).await?;
        panic!("{:?}", call.idempotency_key()?.key)
    };
    let clock = shop.clock(moment());
    let answer = edge::http::respond(&route(catalog::ORDER_PLACE), Ask::order().0, &clock, &panics).await;
    assert_eq!(answer["statusCode"], 500);
    assert_eq!(shop.database.number(TRACES).await, 0);
    assert_eq!(place(&orders, &shop.platform, &Ask::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn invalid_request_never_reaches_the_store() {
    let shop = Fixture::open().await;
    for (ask, expected) in [
        (Ask::order().text("{"), refused(400, "malformed-json")),
        (Ask::order().text(""), refused(400, "malformed-json")),
        (Ask::order().text("null"), refused(422, "validation")),
        (Ask::order().with("/items/0/quantity", 0), refused(422, "validation")),
        (Ask::order().with("/items/0/quantity", "NaN"), refused(422, "validation")),
    ] {
        assert_eq!(shop.place(&ask).await.problem(), expected);
    }
    assert_eq!(shop.database.number(TRACES).await, 0);
    assert_eq!(shop.place(&Ask::order()).await.status, 201, "the key was not used up");
}

#[tokio::test]
async fn unreachable_database_is_503_with_retry_after_and_stores_nothing() {
    let shop = Fixture::open().await;
    // Port 1 of this machine: nobody listens.
    let settings = Settings::new("127.0.0.1", 1, "none", "nobody", Tls::Off);
    let away = PgOrders::new(Arc::new(Database::new(settings, PasswordSource::Trust)), shop.database.bus());
    let clock = shop.clock(moment());
    let down = place(&away, &shop.platform, &Ask::order(), &clock).await;
    assert_eq!(down.problem(), refused(503, "unavailable"));
    assert!(down.headers["retry-after"].is_string(), "{down:?}");
    assert_eq!((shop.database.number(TRACES).await, shop.database.bus().published().len()), (0, 0));
    assert_eq!(place(&shop.database.orders(), &shop.platform, &Ask::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn failure_after_the_commit_rolls_nothing_back() {
    let shop = Fixture::open().await;
    shop.database.bus().set_behavior(BusBehavior::Fail);
    let first = shop.place(&Ask::order()).await;
    assert_eq!(first.status, 201);
    shop.place(&Ask::order()).await.repeats(&first);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn unreadable_record_is_500_and_places_no_second_order() {
    let shop = Fixture::open().await;
    shop.place(&Ask::order()).await;
    for broken in ["status = -1", "status = 70000", "status = 201, headers = '{}'"] {
        shop.database.execute(&format!("UPDATE orders.idempotency SET {broken}")).await;
        let seen = shop.place(&Ask::order()).await;
        assert_eq!(seen.problem(), refused(500, "internal"), "{broken}");
    }
    assert_eq!(shop.orders().await, 1);
}
