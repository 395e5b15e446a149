//! Stock under many hands at once, each on a connection of its own.

use crate::{
    given::*,
    stock::{level, opened},
};
use adapters_postgres::{PgStock, UnreachableBus};
use adapters_testkit::postgres::{RecordingBus, TestDatabase};
use domain::{DomainEvent, Event, id::ProductId};
use futures_util::future::join_all;
use ports::StockStore;
use std::time::Instant;

const RESERVED_LINES: &str = "SELECT count(*) FROM inventory.reservation_lines
    JOIN inventory.reservations USING (order_id) WHERE state = 'reserved'";

/// So many stores, each over a connection of its own.
fn hands(database: &TestDatabase, count: usize) -> Vec<PgStock<RecordingBus>> {
    (0..count).map(|_| database.stock()).collect()
}

fn is_reserved(event: &Event) -> bool {
    matches!(event.event, DomainEvent::StockReserved(_))
}

/// Every order of `wishes` on one of ten connections at once; how many were held.
async fn rush(database: &TestDatabase, wishes: &[Vec<(ProductId, u32)>]) -> usize {
    let stores = hands(database, 10);
    let shares = stores.iter().enumerate().map(async |(n, store)| {
        let mut held = 0;
        for wish in wishes.iter().skip(n).step_by(stores.len()) {
            let (hold, reserved, short) = hold(wish);
            let said = store
                .reserve(claim(), &hold, expires_at(), &reserved, &short)
                .await
                .expect("an answer")
                .expect("an event");
            held += usize::from(is_reserved(&said));
        }
        held
    });
    join_all(shares).await.into_iter().sum()
}

#[tokio::test]
async fn of_two_hundred_buyers_of_a_hundred_pieces_exactly_a_hundred_get_one() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 100).await;
    let began = Instant::now();
    let held = rush(&database, &vec![vec![(a, 1)]; 200]).await;
    eprintln!("200 buyers on 10 connections: {:?}", began.elapsed());
    assert_eq!(held, 100);
    assert_eq!(level(&stock, a).await, (0, 100));
    assert_eq!(database.number(RESERVED_LINES).await, 100);
    let told = "SELECT count(*) FROM inventory.outbox WHERE event ->> 'type' LIKE 'StockReserved%'";
    assert_eq!(database.number(told).await, 100);
    assert_eq!(database.number("SELECT count(*) FROM inventory.stock_movements WHERE available < 0").await, 0);
    // Each level was told once: versions have neither gaps nor twins.
    let versions = database.number("SELECT max(version) - count(*) FROM inventory.stock_movements").await;
    assert_eq!(versions, 0);
}

#[tokio::test]
async fn orders_that_list_the_same_products_in_opposite_order_neither_deadlock_nor_hold_by_halves() {
    let database = database().await;
    let stock = database.stock();
    let (a, b, c) = (opened(&stock, 60).await, opened(&stock, 50).await, opened(&stock, 500).await);
    let wishes: Vec<_> = (0..160)
        .map(|n| if n % 2 == 0 { vec![(a, 1), (b, 1), (c, 2)] } else { vec![(c, 2), (b, 1), (a, 1)] })
        .collect();
    assert_eq!(rush(&database, &wishes).await, 50);
    assert_eq!(level(&stock, a).await, (10, 50));
    assert_eq!(level(&stock, b).await, (0, 50));
    assert_eq!(level(&stock, c).await, (400, 100));
}

#[tokio::test]
async fn the_same_delivery_to_many_hands_at_once_holds_once() {
    let database = database().await;
    let stores = hands(&database, 8);
    let a = opened(&stores[0], 50).await;
    for _ in 0..10 {
        let ((hold, reserved, short), claim) = (hold(&[(a, 1)]), claim());
        let answers =
            join_all(stores.iter().map(|store| store.reserve(claim, &hold, expires_at(), &reserved, &short))).await;
        assert_eq!(answers.into_iter().filter_map(|answer| answer.expect("an answer")).count(), 1);
    }
    assert_eq!(level(&stores[0], a).await, (40, 10));
}

#[tokio::test]
async fn a_hold_and_a_release_of_one_order_at_once_leave_nothing_held_whichever_is_first() {
    let database = database().await;
    let stores = hands(&database, 8);
    let (a, b) = (opened(&stores[0], 1000).await, opened(&stores[0], 1000).await);
    let (holders, releasers) = stores.split_at(4);
    let pairs = holders.iter().zip(releasers).map(async |(holder, releaser)| {
        for _ in 0..60 {
            let (hold, reserved, short) = hold(&[(b, 1), (a, 2)]);
            let (order, news) = (hold.reserved.order_id, released(hold.reserved.order_id));
            let (held, gone) = tokio::join!(
                holder.reserve(claim(), &hold, expires_at(), &reserved, &short),
                releaser.release(claim(), order, &news),
            );
            assert_eq!(held.expect("an answer").is_some(), gone.expect("an answer").is_some());
        }
    });
    join_all(pairs).await;
    assert_eq!((level(&stores[0], a).await, level(&stores[0], b).await), ((1000, 0), (1000, 0)));
    assert_eq!(database.number(RESERVED_LINES).await, 0);
    assert_eq!(database.number("SELECT count(*) FROM inventory.reservations WHERE state = 'released'").await, 240);
    eprintln!(
        "{} of 240 were held first",
        database.number("SELECT count(*) / 2 FROM inventory.reservation_lines").await
    );
}

#[tokio::test]
async fn holding_with_no_bus_leaves_the_event_in_the_outbox() {
    let database = database().await;
    let stock = PgStock::new(database.as_context(catalog::Context::Inventory), UnreachableBus);
    let a = opened(&stock, 1).await;
    assert_eq!(level(&stock, a).await, (1, 0));
    assert_eq!(database.number("SELECT count(*) FROM inventory.outbox WHERE published_at IS NULL").await, 1);
}
