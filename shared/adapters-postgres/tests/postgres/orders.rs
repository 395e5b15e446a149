//! Orders, and the stored responses to the requests that place them.

use crate::fixtures::*;
use adapters_postgres::PgOrders;
use adapters_testkit::postgres::BusBehavior;
use catalog::Context;
use domain::{
    id::{OrderId, PaymentId, UserId},
    order::{Filter, Input, PaymentVersion, Sort, Status, Update, advance},
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome};
use ports::{OrderSearch, OrderStore, PlacementConditions, PriceCopy, PriceSource, TransitionOutcome};
use std::time::Duration;

#[tokio::test]
async fn placed_order_reads_back_as_stored_and_its_event_is_published() {
    let database = database().await;
    let orders = database.orders();
    let user = UserId(id());
    let (order, event) = placed(user, now());
    assert_eq!(
        orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await,
        Ok(IdempotencyOutcome::Committed)
    );
    assert_eq!(orders.get(order.id, None).await, Ok(Some(order.clone())));
    assert_eq!(orders.get(order.id, Some(user)).await, Ok(Some(order.clone())));
    assert_eq!(orders.get(order.id, Some(UserId(id()))).await, Ok(None));
    assert_eq!(orders.get(OrderId(id()), None).await, Ok(None));
    assert_eq!(database.bus().published(), [event]);
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn repeated_request_replays_the_first_response_byte_for_byte() {
    let database = database().await;
    let orders = database.orders();
    let (first, first_event) = placed(UserId(id()), now());
    let (second, second_event) = placed(UserId(id()), now());
    orders
        .place(&first, &key("k", "f"), &reply(201), &first_event, &PlacementConditions::default())
        .await
        .expect("placed");
    let again =
        orders.place(&second, &key("k", "f"), &reply(500), &second_event, &PlacementConditions::default()).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(reply(201))));
    assert_eq!(orders.get(second.id, None).await, Ok(None));
    assert_eq!(database.bus().published(), [first_event]);
}

#[tokio::test]
async fn key_with_another_body_is_invalid_and_scopes_are_separate() {
    let database = database().await;
    let orders = database.orders();
    let (order, event) = placed(UserId(id()), now());
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("placed");
    let (other, other_event) = placed(UserId(id()), now());
    let failure = orders
        .place(&other, &key("k", "g"), &reply(201), &other_event, &PlacementConditions::default())
        .await
        .expect_err("reused");
    assert_eq!((failure.kind, failure.code), (FailureKind::Invalid, "idempotency-key-reused"));
    let elsewhere = kernel::IdempotencyKey { scope: "customer-2".into(), ..key("k", "g") };
    assert_eq!(
        orders.place(&other, &elsewhere, &reply(201), &other_event, &PlacementConditions::default()).await,
        Ok(IdempotencyOutcome::Committed)
    );
}

#[tokio::test]
async fn rejection_is_stored_and_replayed() {
    let database = database().await;
    let orders = database.orders();
    assert_eq!(orders.store_response(&key("k", "f"), &reply(422)).await, Ok(IdempotencyOutcome::Committed));
    let (order, event) = placed(UserId(id()), now());
    let again = orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(reply(422))));
    assert_eq!(orders.store_response(&key("k", "f"), &reply(400)).await, Ok(IdempotencyOutcome::Replayed(reply(422))));
    assert_eq!(
        orders.store_response(&key("k", "g"), &reply(400)).await.expect_err("reused").code,
        "idempotency-key-reused"
    );
    assert!(database.bus().published().is_empty());
}

#[tokio::test]
async fn stored_response_is_found_by_its_exact_key_only() {
    let database = database().await;
    let (orders, key) = (database.orders(), key(&id().to_string(), "f"));
    let find = async |key: &IdempotencyKey| orders.quote(key, &[], PriceSource::Current).await.map(|quote| quote.first);
    assert_eq!(find(&key).await, Ok(None));
    orders.store_response(&key, &reply(409)).await.expect("stored");
    assert_eq!(find(&key).await, Ok(Some(reply(409))));
    let other = IdempotencyKey { fingerprint: "g".to_owned(), ..key };
    assert!(find(&other).await.is_err(), "another body under the same key");
}

#[tokio::test]
async fn expired_key_can_be_reused_and_a_valid_one_cannot() {
    let database = database().await;
    let orders = database.orders();
    let (first, first_event) = placed(UserId(id()), now());
    orders
        .place(&first, &key("k", "f"), &reply(201), &first_event, &PlacementConditions::default())
        .await
        .expect("placed");
    let hours =
        database.number("SELECT (extract(epoch FROM expires_at - created_at) / 3600)::bigint FROM orders.idempotency");
    assert_eq!(hours.await, 24);
    database.execute("UPDATE orders.idempotency SET expires_at = now()").await;
    let (second, second_event) = placed(UserId(id()), now());
    let taken =
        orders.place(&second, &key("k", "other"), &reply(202), &second_event, &PlacementConditions::default()).await;
    assert_eq!(taken, Ok(IdempotencyOutcome::Committed));
    let again =
        orders.place(&second, &key("k", "other"), &reply(202), &second_event, &PlacementConditions::default()).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(reply(202))));
}

#[tokio::test]
async fn concurrent_duplicates_on_an_expired_key_place_one_order() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.orders()).collect();
    for round in 0..15 {
        let key = key(&format!("round {round}"), "f");
        assert_eq!(stores[0].store_response(&key, &reply(422)).await, Ok(IdempotencyOutcome::Committed));
        database.execute("UPDATE orders.idempotency SET expires_at = now()").await;
        let duplicates = stores.iter().map(async |store| {
            let (order, event) = placed(UserId(id()), now());
            store.place(&order, &key, &reply(201), &event, &PlacementConditions::default()).await.expect("a response")
        });
        let responses = join_all(duplicates).await;
        assert_eq!(responses.iter().filter(|response| **response == IdempotencyOutcome::Committed).count(), 1);
        assert_eq!(
            responses.iter().filter(|response| **response == IdempotencyOutcome::Replayed(reply(201))).count(),
            7
        );
    }
}

#[tokio::test]
async fn concurrent_duplicates_place_one_order_and_get_one_response() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.orders()).collect();
    for round in 0..15 {
        let key = key(&format!("round {round}"), "f");
        let duplicates = stores.iter().map(async |store| {
            let (order, event) = placed(UserId(id()), now());
            store.place(&order, &key, &reply(201), &event, &PlacementConditions::default()).await.expect("a response")
        });
        let responses = join_all(duplicates).await;
        assert_eq!(responses.iter().filter(|response| **response == IdempotencyOutcome::Committed).count(), 1);
        assert_eq!(
            responses.iter().filter(|response| **response == IdempotencyOutcome::Replayed(reply(201))).count(),
            7
        );
    }
    assert_eq!(database.number("SELECT count(*) FROM orders.orders").await, 15);
    assert_eq!(database.bus().published().len(), 15);
}

#[tokio::test]
async fn pages_are_newest_first_and_contiguous_even_within_one_instant() {
    let database = database().await;
    let orders = database.orders();
    let user = UserId(id());
    let mut expected = Vec::new();
    for n in 0..7_u64 {
        let time = now() + Duration::from_micros(n / 3);
        let (order, event) = placed(user, time);
        orders
            .place(&order, &key(&n.to_string(), "f"), &reply(201), &event, &PlacementConditions::default())
            .await
            .expect("placed");
        expected.push((time, order.id));
    }
    let (stranger, event) = placed(UserId(id()), now());
    orders
        .place(&stranger, &key("stranger", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    expected.sort_unstable();
    expected.reverse();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = orders.list(user, 3, cursor.as_deref()).await.expect("a page");
        seen.extend(page.items.iter().map(|order| (order.created_at, order.id)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        assert_eq!(page.items.len(), 3);
    }
    assert_eq!(seen, expected);
    assert_eq!(orders.list(user, 7, None).await.expect("a page").next, None);
    let failure = orders.list(user, 3, Some("nonsense")).await.expect_err("a bad cursor");
    assert_eq!((failure.kind, &*failure.fields[0].pointer), (FailureKind::Invalid, "?cursor"));
}

/// The update that the stock of a paid order is allocated.
fn allocated() -> Update {
    Update::about(Input::StockAllocated, PaymentVersion { id: PaymentId(id()), version: 2 })
}

#[tokio::test]
async fn order_transition_applies_once_per_claim_and_extends_the_history() {
    let database = database().await;
    let orders = database.orders();
    let (order, event_placed) = placed(UserId(id()), now());
    orders
        .place(&order, &key("k", "f"), &reply(201), &event_placed, &PlacementConditions::default())
        .await
        .expect("placed");
    let (reserved_order, nothing) = advance(&order, Input::StockReserved.into(), now()).unwrap().expect("a transition");
    assert!(nothing.is_none());
    let first = claim();
    assert_eq!(orders.advance(Some(first), &reserved_order, None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(orders.advance(Some(first), &reserved_order, None).await, Ok(TransitionOutcome::AlreadyApplied));
    let (paid, data) = advance(&reserved_order, allocated(), now()).unwrap().expect("a transition");
    let event = event(data.expect("an event"));
    assert_eq!(orders.advance(Some(claim()), &paid, Some(&event)).await, Ok(TransitionOutcome::Applied));
    let stored = orders.get(order.id, None).await.unwrap().expect("the order");
    assert_eq!(stored, paid);
    assert_eq!((stored.status, stored.version, stored.history.len()), (Status::Processing, 3, 3));
    assert_eq!(database.bus().published(), [event_placed, event]);
}

#[tokio::test]
async fn version_conflict_stores_neither_transition_nor_claim() {
    let database = database().await;
    let orders = database.orders();
    let (order, event) = placed(UserId(id()), now());
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("placed");
    let (reserved_order, _) = advance(&order, Input::StockReserved.into(), now()).unwrap().expect("a transition");
    orders.advance(Some(claim()), &reserved_order, None).await.expect("applied");
    let late = claim();
    assert_eq!(orders.advance(Some(late), &reserved_order, None).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(database.number("SELECT count(*) FROM orders.inbox").await, 1);
    let (paid, _) = advance(&reserved_order, allocated(), now()).unwrap().expect("a transition");
    assert_eq!(orders.advance(Some(late), &paid, None).await, Ok(TransitionOutcome::Applied));
}

#[tokio::test]
async fn concurrent_transitions_from_one_version_apply_once() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.orders()).collect();
    let (order, event) = placed(UserId(id()), now());
    stores[0]
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    let (reserved_order, _) = advance(&order, Input::StockReserved.into(), now()).unwrap().expect("a transition");
    let responses = join_all(stores.iter().map(|store| store.advance(Some(claim()), &reserved_order, None))).await;
    assert_eq!(responses.iter().filter(|response| **response == Ok(TransitionOutcome::Applied)).count(), 1);
    assert_eq!(responses.iter().filter(|response| **response == Ok(TransitionOutcome::VersionConflict)).count(), 7);
    assert_eq!(database.number("SELECT count(*) FROM orders.inbox").await, 1);
}

#[tokio::test]
async fn commands_and_reads_cost_one_round_trip_plus_one_to_mark_an_event() {
    let database = database().await;
    let connection = database.as_context(Context::Orders);
    let orders = PgOrders::new(connection.clone(), database.bus());
    let user = UserId(id());
    let (order, event) = placed(user, now());
    let (reserved_order, _) = advance(&order, Input::StockReserved.into(), now()).unwrap().expect("a transition");
    let spent = |before: u64| connection.round_trips() - before;

    database.bus().set_behavior(BusBehavior::Fail);
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("placed");
    assert_eq!(spent(0), 1, "place");
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("replayed");
    assert_eq!(spent(1), 1, "replay");
    orders.get(order.id, None).await.expect("read");
    assert_eq!(spent(2), 1, "get");
    orders.list(user, 20, None).await.expect("listed");
    assert_eq!(spent(3), 1, "list");
    orders.advance(Some(claim()), &reserved_order, Some(&event_of_nothing())).await.expect("applied");
    assert_eq!(spent(4), 1, "advance");
    orders.store_response(&key("other", "f"), &reply(422)).await.expect("stored");
    assert_eq!(spent(5), 1, "store a rejection");
    let by_number = Filter { number: Some(order.id.number()), ..Filter::default() };
    orders.search(&by_number, 20, None).await.expect("found");
    assert_eq!(spent(6), 1, "search");

    database.bus().set_behavior(BusBehavior::Accept);
    let (another, event) = placed(user, now());
    orders
        .place(&another, &key("k2", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    assert_eq!(spent(7), 2, "place and mark");
}

#[tokio::test]
async fn order_is_found_by_its_number_without_reading_the_others() {
    let database = database().await;
    let (order, event) = placed(UserId(id()), now());
    database
        .orders()
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    let copies = "INSERT INTO orders.orders
        SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid()))).*
        FROM orders.orders AS o, generate_series(1, 5000)";
    database.execute(copies).await;
    database.execute("ANALYZE orders.orders").await;
    for sort in [Sort::Newest, Sort::Oldest] {
        let filter = Filter { number: Some(order.id.number()), sort, ..Filter::default() };
        let search = async || database.orders().search(&filter, 20, None).await.expect("a page");
        let (page, read) = rows_read(&database, "orders", search).await;
        assert_eq!(page.items, std::slice::from_ref(&order));
        assert!((1..=10).contains(&read), "{sort:?}: {read} rows");
    }
}

fn event_of_nothing() -> domain::Event {
    released(OrderId(id()))
}

#[tokio::test]
async fn unreadable_order_does_not_hide_the_others() {
    let database = database().await;
    let orders = database.orders();
    let mut ids = Vec::new();
    for n in 0..3 {
        let (order, event) = placed(UserId(id()), now() + Duration::from_secs(n));
        orders
            .place(&order, &key(&id().to_string(), "f"), &reply(201), &event, &PlacementConditions::default())
            .await
            .expect("placed");
        ids.push(order.id);
    }
    database.execute(&format!("UPDATE orders.orders SET history = '{{}}' WHERE id = '{}'", ids[0])).await;
    let found = orders.stuck(now() + Duration::from_secs(60), 100, None).await.expect("the others");
    assert_eq!(found.into_iter().map(|order| order.id).collect::<Vec<_>>(), ids[1..]);
    let found = orders.stuck(now() + Duration::from_secs(60), 1, None).await.expect("the second page");
    assert_eq!(
        found.into_iter().map(|order| order.id).collect::<Vec<_>>(),
        ids[1..2],
        "none of the first page is readable"
    );
    assert_eq!(orders.pending().await.expect("counted").into_values().sum::<u64>(), 3);
}
