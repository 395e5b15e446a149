//! Stock under concurrency, each caller on a connection of its own.

use crate::{
    fixtures::*,
    stock::{level, opened},
};
use adapters_postgres::{NoEvents, PgStock};
use adapters_testkit::postgres::{RecordingBus, TestDatabase};
use domain::{DomainEvent, Event, id::ProductId};
use futures_util::future::join_all;
use ports::StockStore;
use std::time::Instant;

const RESERVED_LINES: &str = "SELECT count(*) FROM inventory.reservation_lines
    JOIN inventory.reservations USING (order_id) WHERE state = 'reserved'";

/// `count` stores, each over a connection of its own.
fn connected_stores(database: &TestDatabase, count: usize) -> Vec<PgStock<RecordingBus>> {
    (0..count).map(|_| database.stock()).collect()
}

fn is_reserved(event: &Event) -> bool {
    matches!(event.event, DomainEvent::StockReserved(_))
}

/// Reserves every order of `orders`, spread over ten concurrent connections. Returns how many succeeded.
async fn reserve_all(database: &TestDatabase, orders: &[Vec<(ProductId, u32)>]) -> usize {
    let stores = connected_stores(database, 10);
    let shares = stores.iter().enumerate().map(async |(n, store)| {
        let mut count = 0;
        for lines in orders.iter().skip(n).step_by(stores.len()) {
            let (reservation, reserved, failed) = reservation_of(lines);
            let outcome = store
                .reserve(claim(), &reservation, expires_at(), &reserved, &failed)
                .await
                .expect("a response")
                .expect("an event");
            count += usize::from(is_reserved(&outcome));
        }
        count
    });
    join_all(shares).await.into_iter().sum()
}

#[tokio::test]
async fn two_hundred_concurrent_orders_of_100_units_reserve_exactly_100() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 100).await;
    let began = Instant::now();
    let reserved = reserve_all(&database, &vec![vec![(a, 1)]; 200]).await;
    eprintln!("200 orders on 10 connections: {:?}", began.elapsed());
    assert_eq!(reserved, 100);
    assert_eq!(level(&stock, a).await, (0, 100));
    assert_eq!(database.number(RESERVED_LINES).await, 100);
    let published = "SELECT count(*) FROM inventory.outbox WHERE event ->> 'type' LIKE 'StockReserved%'";
    assert_eq!(database.number(published).await, 100);
    assert_eq!(database.number("SELECT count(*) FROM inventory.stock_movements WHERE available < 0").await, 0);
    // Each level was published once: versions have neither gaps nor duplicates.
    let versions = database.number("SELECT max(version) - count(*) FROM inventory.stock_movements").await;
    assert_eq!(versions, 0);
}

#[tokio::test]
async fn opposite_line_orders_neither_deadlock_nor_reserve_partially() {
    let database = database().await;
    let stock = database.stock();
    let (a, b, c) = (opened(&stock, 60).await, opened(&stock, 50).await, opened(&stock, 500).await);
    let orders: Vec<_> = (0..160)
        .map(|n| if n % 2 == 0 { vec![(a, 1), (b, 1), (c, 2)] } else { vec![(c, 2), (b, 1), (a, 1)] })
        .collect();
    assert_eq!(reserve_all(&database, &orders).await, 50);
    assert_eq!(level(&stock, a).await, (10, 50));
    assert_eq!(level(&stock, b).await, (0, 50));
    assert_eq!(level(&stock, c).await, (400, 100));
}

#[tokio::test]
async fn concurrent_redeliveries_reserve_once() {
    let database = database().await;
    let stores = connected_stores(&database, 8);
    let a = opened(&stores[0], 50).await;
    for _ in 0..10 {
        let ((reservation, reserved, failed), claim) = (reservation_of(&[(a, 1)]), claim());
        let responses =
            join_all(stores.iter().map(|store| store.reserve(claim, &reservation, expires_at(), &reserved, &failed)))
                .await;
        assert_eq!(responses.into_iter().filter_map(|response| response.expect("a response")).count(), 1);
    }
    assert_eq!(level(&stores[0], a).await, (40, 10));
}

#[tokio::test]
async fn concurrent_reserve_and_release_leave_nothing_reserved() {
    let database = database().await;
    let stores = connected_stores(&database, 8);
    let (a, b) = (opened(&stores[0], 1000).await, opened(&stores[0], 1000).await);
    let (holders, releasers) = stores.split_at(4);
    let pairs = holders.iter().zip(releasers).map(async |(holder, releaser)| {
        for _ in 0..60 {
            let (reservation, reserved, failed) = reservation_of(&[(b, 1), (a, 2)]);
            let (order, event) = (reservation.reserved.order_id, released(reservation.reserved.order_id));
            let (reserved, released_event) = tokio::join!(
                holder.reserve(claim(), &reservation, expires_at(), &reserved, &failed),
                releaser.release(claim(), order, &event),
            );
            assert_eq!(reserved.expect("a response").is_some(), released_event.expect("a response").is_some());
        }
    });
    join_all(pairs).await;
    assert_eq!((level(&stores[0], a).await, level(&stores[0], b).await), ((1000, 0), (1000, 0)));
    assert_eq!(database.number(RESERVED_LINES).await, 0);
    assert_eq!(database.number("SELECT count(*) FROM inventory.reservations WHERE state = 'released'").await, 240);
    eprintln!(
        "{} of 240 were reserved first",
        database.number("SELECT count(*) / 2 FROM inventory.reservation_lines").await
    );
}

#[tokio::test]
async fn reserving_without_a_bus_leaves_the_event_in_the_outbox() {
    let database = database().await;
    let stock = PgStock::new(database.as_context(catalog::Context::Inventory), NoEvents);
    let a = opened(&stock, 1).await;
    assert_eq!(level(&stock, a).await, (1, 0));
    assert_eq!(database.number("SELECT count(*) FROM inventory.outbox WHERE published_at IS NULL").await, 1);
}
