//! Twins: the same request while the first is under way, and a first that dies on the way.

use super::{Ask, Fixture, TRACES, WAITING, cut_who_waits, moment, place, refused};
use adapters_testkit::postgres::BusBehavior;
use futures_util::future::join_all;
use std::time::Duration;

#[tokio::test]
async fn fifty_concurrent_duplicates_place_one_order_and_get_one_response() {
    let shop = Fixture::open().await;
    let ask = Ask::order();
    let answers = join_all((0..50).map(|_| shop.place(&ask))).await;
    let first = answers.iter().find(|answer| answer.headers.get("idempotent-replayed").is_none()).expect("one placed");
    assert_eq!(first.status, 201);
    let mut firsts = 0;
    for answer in &answers {
        match answer.headers.get("idempotent-replayed") {
            None => firsts += 1,
            Some(_) => answer.repeats(first),
        }
    }
    assert_eq!((firsts, shop.orders().await, shop.database.bus().published().len()), (1, 1, 1));
}

#[tokio::test]
async fn concurrent_bodies_under_one_key_yield_one_order_and_one_422() {
    let shop = Fixture::open().await;
    for round in 0..10 {
        let (one, other) = (Ask::order(), Ask::order().with("/items/0/quantity", 1));
        let key = format!("round-{round}");
        let (one, other) = (one.key(&key), other.key(&key));
        let (one, other) = tokio::join!(shop.place(&one), shop.place(&other));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "{one:?} {other:?}");
        let loser = if one.status == 422 { one } else { other };
        assert_eq!(loser.problem(), refused(422, "idempotency-key-reused"));
    }
    assert_eq!(shop.orders().await, 10);
}

/// Begins a request under the sample's key and leaves it under way.
const UNDER_WAY: &str = "INSERT INTO orders.idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
    VALUES ('0192f0c1-0000-7000-8000-000000000001:order-place', '0b9f7c1e-place', 'x', 201, 'x', now(), now() + interval '1 day')";

#[tokio::test]
async fn crashed_first_request_does_not_block_its_duplicate() {
    let shop = Fixture::open().await;
    let first = shop.database.hold_transaction(UNDER_WAY).await;
    let dies = async {
        shop.database.wait_until(WAITING).await;
        drop(first);
    };
    let ask = Ask::order();
    let (twin, ()) = tokio::join!(shop.place(&ask), dies);
    assert_eq!((twin.status, twin.headers.get("idempotent-replayed")), (201, None), "{twin:?}");
    shop.place(&ask).await.repeats(&twin);
}

#[tokio::test]
async fn duplicate_that_waits_past_its_deadline_gets_503_and_can_retry() {
    let shop = Fixture::open().await;
    let first = shop.database.hold_transaction(UNDER_WAY).await;
    let clock = shop.clock(moment()).until(moment() + Duration::from_millis(400));
    let twin = shop.place_at(&Ask::order(), &clock).await;
    assert_eq!(twin.problem(), refused(503, "unavailable"));
    assert!(twin.headers["retry-after"].is_string());
    drop(first);
    let later = shop.place(&Ask::order()).await;
    assert_eq!(later.status, 201, "whether the twin's statement went on after all or not");
    assert_eq!(shop.orders().await, 1);
}

#[tokio::test]
async fn timeout_in_progress_returns_503_and_a_retry_places_one_order() {
    let shop = Fixture::open().await;
    let slow = shop.database.hold_transaction("LOCK TABLE orders.order_lines").await;
    let clock = shop.clock(moment()).until(moment() + Duration::from_millis(400));
    assert_eq!(shop.place_at(&Ask::order(), &clock).await.status, 503);
    drop(slow);
    let later = shop.place(&Ask::order()).await;
    assert_eq!(later.status, 201);
    shop.place(&Ask::order()).await.repeats(&as_first_told(&later));
    assert_eq!(shop.orders().await, 1);
}

/// An answer without the mark of a repetition.
fn as_first_told(answer: &super::Answer) -> super::Answer {
    let mut first = answer.clone();
    first.headers.as_object_mut().expect("headers").remove("idempotent-replayed");
    first
}

#[tokio::test]
async fn crash_during_the_statement_leaves_neither_effect_nor_record() {
    let shop = Fixture::open().await;
    // The record is written by then, the order too; the lines are not.
    let slow = shop.database.hold_transaction("LOCK TABLE orders.order_lines").await;
    let ask = Ask::order();
    let (died, ()) = tokio::join!(shop.place(&ask), cut_who_waits(&shop.database));
    assert_eq!(died.problem(), refused(503, "unavailable"));
    drop(slow);
    assert_eq!(shop.database.number(TRACES).await, 0);
    let again = shop.place(&ask).await;
    assert_eq!((again.status, again.headers.get("idempotent-replayed")), (201, None));
}

#[tokio::test]
async fn crash_between_commit_and_response_is_replayed_on_retry() {
    let shop = Fixture::open().await;
    let (orders, clock, ask) = (shop.database.orders(), shop.clock(moment()), Ask::order());
    // The process waits for the bus, to which it tells what is committed, and dies there.
    shop.database.bus().set_behavior(BusBehavior::TimeOut);
    tokio::select! {
        answer = place(&orders, &shop.platform, &ask, &clock) => panic!("{answer:?}, though it died"),
        () = shop.database.wait_until("SELECT count(*) FROM orders.orders") => {}
    }
    shop.database.bus().set_behavior(BusBehavior::Accept);
    let told = shop.place(&ask).await;
    assert_eq!((told.status, &told.headers["idempotent-replayed"]), (201, &serde_json::json!("true")));
    let placed = shop.database.rows("SELECT id::text FROM orders.orders").await;
    assert_eq!((placed.len(), told.json()["id"].as_str()), (1, Some(placed[0].get(0))));
}
