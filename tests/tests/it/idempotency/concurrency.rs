//! Concurrent duplicates, and first requests that crash or time out while they are in progress.

use super::{
    Fixture, ORDER_ROWS, Request, WAITING_STATEMENTS, place, rejected, sample_time, terminate_waiting_connections,
};
use adapters_testkit::postgres::BusBehavior;
use futures_util::future::join_all;
use std::time::Duration;

#[tokio::test]
async fn fifty_concurrent_duplicates_place_one_order_and_get_one_response() {
    let fixture = Fixture::open().await;
    let request = Request::order();
    let responses = join_all((0..50).map(|_| fixture.place(&request))).await;
    let first = responses
        .iter()
        .find(|response| response.headers.get("idempotent-replayed").is_none())
        .expect("one that is not replayed");
    assert_eq!(first.status, 201);
    let mut firsts = 0;
    for response in &responses {
        match response.headers.get("idempotent-replayed") {
            None => firsts += 1,
            Some(_) => response.repeats(first),
        }
    }
    assert_eq!((firsts, fixture.orders().await, fixture.database.bus().published().len()), (1, 1, 1));
}

#[tokio::test]
async fn concurrent_bodies_under_one_key_yield_one_order_and_one_422() {
    let fixture = Fixture::open().await;
    for round in 0..10 {
        let (one, other) = (Request::order(), Request::order().with("/items/0/quantity", 1));
        let key = format!("round-{round}");
        let (one, other) = (one.key(&key), other.key(&key));
        let (one, other) = tokio::join!(fixture.place(&one), fixture.place(&other));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "{one:?} {other:?}");
        let loser = if one.status == 422 { one } else { other };
        assert_eq!(loser.problem(), rejected(422, "idempotency-key-reused"));
    }
    assert_eq!(fixture.orders().await, 10);
}

/// Starts a request under the fixture's key and leaves it in progress.
const IN_PROGRESS: &str = "INSERT INTO orders.idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
    VALUES ('0192f0c1-0000-7000-8000-000000000001:order-place', '0b9f7c1e-place', 'x', 201, 'x', now(), now() + interval '1 day')";

#[tokio::test]
async fn crashed_first_request_does_not_block_its_duplicate() {
    let fixture = Fixture::open().await;
    let first = fixture.database.hold_transaction(IN_PROGRESS).await;
    let dies = async {
        fixture.database.wait_until(WAITING_STATEMENTS).await;
        drop(first);
    };
    let request = Request::order();
    let (duplicate, ()) = tokio::join!(fixture.place(&request), dies);
    assert_eq!((duplicate.status, duplicate.headers.get("idempotent-replayed")), (201, None), "{duplicate:?}");
    fixture.place(&request).await.repeats(&duplicate);
}

#[tokio::test]
async fn duplicate_that_waits_past_its_deadline_gets_503_and_can_retry() {
    let fixture = Fixture::open().await;
    let first = fixture.database.hold_transaction(IN_PROGRESS).await;
    let clock = fixture.clock(sample_time()).until(sample_time() + Duration::from_millis(400));
    let duplicate = fixture.place_at(&Request::order(), &clock).await;
    assert_eq!(duplicate.problem(), rejected(503, "unavailable"));
    assert!(duplicate.headers["retry-after"].is_string());
    drop(first);
    let later = fixture.place(&Request::order()).await;
    assert_eq!(later.status, 201, "whether or not the statement of the duplicate completed");
    assert_eq!(fixture.orders().await, 1);
}

#[tokio::test]
async fn timeout_in_progress_returns_503_and_a_retry_places_one_order() {
    let fixture = Fixture::open().await;
    let slow = fixture.database.hold_transaction("LOCK TABLE orders.order_lines").await;
    let clock = fixture.clock(sample_time()).until(sample_time() + Duration::from_millis(400));
    assert_eq!(fixture.place_at(&Request::order(), &clock).await.status, 503);
    drop(slow);
    let later = fixture.place(&Request::order()).await;
    assert_eq!(later.status, 201);
    fixture.place(&Request::order()).await.repeats(&without_replay_header(&later));
    assert_eq!(fixture.orders().await, 1);
}

/// The response without the header that marks a replay.
fn without_replay_header(response: &super::Response) -> super::Response {
    let mut first = response.clone();
    first.headers.as_object_mut().expect("headers").remove("idempotent-replayed");
    first
}

#[tokio::test]
async fn crash_during_the_statement_leaves_neither_effect_nor_record() {
    let fixture = Fixture::open().await;
    // The statement has written the record and the order, and waits for the lines.
    let slow = fixture.database.hold_transaction("LOCK TABLE orders.order_lines").await;
    let request = Request::order();
    let (died, ()) = tokio::join!(fixture.place(&request), terminate_waiting_connections(&fixture.database));
    assert_eq!(died.problem(), rejected(503, "unavailable"));
    drop(slow);
    assert_eq!(fixture.database.number(ORDER_ROWS).await, 0);
    let again = fixture.place(&request).await;
    assert_eq!((again.status, again.headers.get("idempotent-replayed")), (201, None));
}

#[tokio::test]
async fn crash_between_commit_and_response_is_replayed_on_retry() {
    let fixture = Fixture::open().await;
    let (orders, clock, request) = (fixture.database.orders(), fixture.clock(sample_time()), Request::order());
    // The process has committed, publishes to the bus, and dies while it waits.
    fixture.database.bus().set_behavior(BusBehavior::TimeOut);
    tokio::select! {
        response = place(&orders, &fixture.platform, &request, &clock) => panic!("a response although the process died: {response:?}"),
        () = fixture.database.wait_until("SELECT count(*) FROM orders.orders") => {}
    }
    fixture.database.bus().set_behavior(BusBehavior::Accept);
    let replayed = fixture.place(&request).await;
    assert_eq!((replayed.status, &replayed.headers["idempotent-replayed"]), (201, &serde_json::json!("true")));
    let placed = fixture.database.rows("SELECT id::text FROM orders.orders").await;
    assert_eq!((placed.len(), replayed.json()["id"].as_str()), (1, Some(placed[0].get(0))));
}
