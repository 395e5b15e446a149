//! What fails leaves no record, so that it can be asked again; what is committed stays told.

use super::{Ask, Shop, TRACES, moment, place, refused, route};
use adapters::postgres::{Database, PgOrders, Secret, Settings, Tls, testing::Mood};
use edge::http::{Call, Reply};
use kernel::{Failure, Uuid};
use std::sync::Arc;
use testkit::Part;

#[tokio::test]
async fn a_handler_that_fails_leaves_no_record_and_the_request_can_be_made_again() {
    let shop = Shop::open().await;
    shop.platform.faults().break_down(Part::Table);
    assert_eq!(shop.place(&Ask::order()).await.problem(), refused(503, "unavailable"));
    assert_eq!(shop.database.number(TRACES).await, 0);
    shop.platform.faults().heal_all();
    let again = shop.place(&Ask::order()).await;
    assert_eq!((again.status, again.headers.get("idempotent-replayed")), (201, None));
}

#[tokio::test]
async fn a_handler_that_panics_leaves_no_record_either() {
    let shop = Shop::open().await;
    let orders = shop.database.orders();
    let panics = async |call: Call<domain::order::PlaceOrder>| -> Result<Reply<()>, Failure> {
        ports::OrderStore::get(&orders, domain::id::OrderId(Uuid::nil()), None).await?;
        panic!("{:?}", call.idempotency()?.key)
    };
    let clock = shop.clock(moment());
    let answer = edge::http::answer(&route(catalog::ORDER_PLACE), Ask::order().0, &clock, &panics).await;
    assert_eq!(answer["statusCode"], 500);
    assert_eq!(shop.database.number(TRACES).await, 0);
    assert_eq!(place(&orders, &shop.platform, &Ask::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn what_the_request_alone_says_wrong_never_reaches_the_store() {
    let shop = Shop::open().await;
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
async fn without_the_database_it_is_503_with_retry_after_and_nothing_is_kept_anywhere() {
    let shop = Shop::open().await;
    // Port 1 of this machine: nobody listens.
    let settings = Settings::new("127.0.0.1", 1, "none", "nobody", Tls::Off);
    let away = PgOrders::new(Arc::new(Database::new(settings, Secret::Nothing)), shop.database.bus());
    let clock = shop.clock(moment());
    let down = place(&away, &shop.platform, &Ask::order(), &clock).await;
    assert_eq!(down.problem(), refused(503, "unavailable"));
    assert!(down.headers["retry-after"].is_string(), "{down:?}");
    assert_eq!((shop.database.number(TRACES).await, shop.database.bus().taken().len()), (0, 0));
    assert_eq!(place(&shop.database.orders(), &shop.platform, &Ask::order(), &clock).await.status, 201);
}

#[tokio::test]
async fn what_fails_after_the_commit_takes_nothing_back() {
    let shop = Shop::open().await;
    shop.database.bus().be(Mood::Away);
    let first = shop.place(&Ask::order()).await;
    assert_eq!(first.status, 201);
    shop.place(&Ask::order()).await.repeats(&first);
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_500_and_never_a_second_order() {
    let shop = Shop::open().await;
    shop.place(&Ask::order()).await;
    for broken in ["status = -1", "status = 70000", "status = 201, headers = '{}'"] {
        shop.database.change(&format!("UPDATE orders.idempotency SET {broken}")).await;
        let seen = shop.place(&Ask::order()).await;
        assert_eq!(seen.problem(), refused(500, "internal"), "{broken}");
    }
    assert_eq!(shop.orders().await, 1);
}
