//! Committed events reach the bus: at once, or by the sweep.

use crate::{fixtures::*, stock::opened};
use adapters_testkit::postgres::{BusBehavior, TestDatabase};
use domain::id::UserId;
use edge::testing::CapturedLogs;
use futures_util::future::{join, join_all};
use kernel::Timestamp;
use ports::{Backlog, MAX_COUNTED, OrderStore, Outbox, PlacementConditions, StockStore, SweepReport};
use std::{collections::BTreeSet, time::Duration};

/// Places `count` orders, a second apart, the first at `now()`.
pub async fn place(database: &TestDatabase, count: u64) {
    let orders = database.orders();
    for n in 0..count {
        let (order, event) = placed(UserId(id()), now() + Duration::from_secs(n));
        orders
            .place(&order, &key(&id().to_string(), "f"), &reply(201), &event, &PlacementConditions::default())
            .await
            .expect("placed");
    }
}

async fn backlog(database: &TestDatabase) -> Backlog {
    database.outbox().backlog().await.expect("counted")
}

fn pending(waiting: u64, oldest: Timestamp) -> Backlog {
    Backlog { waiting, oldest: Some(oldest) }
}

/// Puts `count` events, a second apart, the first at `now()`, into the outbox of orders, as copies of the one in it.
pub async fn multiply(database: &TestDatabase, count: u32) {
    let copies = format!(
        "INSERT INTO orders.outbox (id, created_at, event)
        SELECT id, at, jsonb_set(event, '{{id}}', to_jsonb(id)) FROM (
            SELECT gen_random_uuid() AS id, created_at + n * interval '1 second' AS at, event
            FROM orders.outbox, generate_series(1, {count} - 1) AS n
        ) AS made;
        ANALYZE orders.outbox"
    );
    database.execute(&copies).await;
}

fn after(seconds: u64) -> Timestamp {
    now() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn command_succeeds_during_a_bus_outage_and_the_sweep_publishes_once() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    assert!(bus.published().is_empty());
    let sweep = database.outbox();
    let swept = sweep.sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.offered, swept.sent), (1, 1, 0));
    assert_eq!(backlog(&database).await, pending(1, now()));
    bus.set_behavior(BusBehavior::Accept);
    let swept = sweep.sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, backlog(&database).await), (1, 1, Backlog::default()));
    assert_eq!(sweep.sweep(after(60), 100, None).await, Ok(SweepReport::default()));
    assert_eq!(bus.published().len(), 1);
}

#[tokio::test]
async fn unresponsive_bus_delays_a_command_only_briefly() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::TimeOut);
    // The bus never responds: without a timeout, this would not return.
    place(&database, 1).await;
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await, 1);
}

#[tokio::test]
async fn marking_published_skips_fsync_and_the_next_commit_does_not() {
    let database = database().await;
    let waits = "CASE current_setting('synchronous_commit') WHEN 'on' THEN 1::int8 ELSE 0 END";
    let marking = format!("WITH mark AS MATERIALIZED (SELECT orders.mark_published('{{}}')) SELECT {waits} FROM mark");
    let (before, within, after) = (
        database.number(&format!("SELECT {waits}")).await,
        database.number(&marking).await,
        database.number(&format!("SELECT {waits}")).await,
    );
    assert_eq!((before, within, after), (1, 0, 1));
}

#[tokio::test]
async fn sweep_publishes_the_oldest_events_first_and_skips_recent_ones() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 3).await;
    opened(&database.stock(), 5).await;
    bus.set_behavior(BusBehavior::Accept);
    let sweep = database.outbox();
    // The opened account and the first order are from `now()`; each further order is a second later.
    assert_eq!(sweep.sweep(now(), 100, None).await.expect("swept").due, 0);
    let swept = sweep.sweep(after(2), 2, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, backlog(&database).await), (2, 2, pending(2, after(1))));
    let contexts: BTreeSet<_> = bus.published().iter().map(|event| event.event.row().context).collect();
    assert_eq!(contexts.len(), 2);
    assert!(bus.published().iter().all(|event| event.time == now()));
    assert_eq!(sweep.sweep(after(2), 100, None).await.expect("swept").sent, 1);
}

#[tokio::test]
async fn events_rejected_by_the_bus_stay_in_the_outbox() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 3).await;
    bus.set_behavior(BusBehavior::AcceptFirst);
    let swept = database.outbox().sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, backlog(&database).await.waiting), (3, 1, 2));
}

#[tokio::test]
async fn concurrent_sweeps_publish_each_event_once() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 40).await;
    bus.set_behavior(BusBehavior::Accept);
    let sweepers: Vec<_> = (0..6).map(|_| database.outbox()).collect();
    let sweeps = sweepers.iter().map(async |sweep| {
        for _ in 0..8 {
            sweep.sweep(after(3600), 5, None).await.expect("swept");
        }
    });
    join_all(sweeps).await;
    let ids: BTreeSet<_> = bus.published().iter().map(|event| event.id).collect();
    assert_eq!((bus.published().len(), ids.len()), (40, 40));
}

#[tokio::test]
async fn unreadable_event_stays_and_blocks_no_other() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 2).await;
    database.execute("UPDATE orders.outbox SET event = '{\"type\": \"FromTheFuture.v9\"}' WHERE id = (SELECT min(id::text)::uuid FROM orders.outbox)").await;
    bus.set_behavior(BusBehavior::Accept);
    let logs = CapturedLogs::begin();
    let swept = database.outbox().sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, backlog(&database).await.waiting), (2, 1, 1));
    let logged = logs.with_message("a row cannot be decoded");
    let left = database.rows("SELECT id::text FROM orders.outbox WHERE published_at IS NULL").await;
    assert_eq!((logged.len(), &logged[0]["row.table"]), (1, &"orders.outbox".into()));
    assert_eq!(logged[0]["row.id"], left[0].get::<_, String>("id"));
}

#[tokio::test]
async fn unreadable_events_are_skipped_and_left_in_place() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 3).await;
    database
        .execute("UPDATE orders.outbox SET event = '{}' WHERE created_at < (SELECT max(created_at) FROM orders.outbox)")
        .await;
    bus.set_behavior(BusBehavior::Accept);
    let (sweep, mut last, mut sent) = (database.outbox(), None, Vec::new());
    for _ in 0..3 {
        let swept = sweep.sweep(after(60), 1, last).await.expect("swept");
        sent.push((swept.due, swept.offered, swept.sent));
        last = swept.last;
    }
    assert_eq!(sent, [(1, 0, 0), (1, 0, 0), (1, 1, 1)], "what cannot be decoded is not offered to the bus");
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await, 2);
}

#[tokio::test]
async fn bus_timeout_is_distinguished_from_a_rejection() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    let sweep = database.outbox();
    assert!(!sweep.sweep(after(60), 100, None).await.expect("swept").timed_out);
    bus.set_behavior(BusBehavior::TimeOut);
    assert!(sweep.sweep(after(60), 100, None).await.expect("swept").timed_out);
}

/// Starts a sweep with a bus that does not respond, and drops it when its lease is committed and no transaction is open.
async fn abort_a_sweep(database: &TestDatabase) {
    database.bus().set_behavior(BusBehavior::TimeOut);
    let sweep = database.outbox();
    tokio::select! {
        swept = sweep.sweep(after(60), 100, None) => panic!("{swept:?} with a bus that does not respond"),
        () = database.wait_until("SELECT count(*) FROM orders.outbox WHERE claimed_until IS NOT NULL") => {
            let locked = "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
                WHERE a.datname = current_database() AND pid <> pg_backend_pid()";
            assert_eq!(database.number(locked).await, 0, "nothing is locked while the bus is asked");
            database.execute("BEGIN; SELECT FROM orders.outbox FOR UPDATE NOWAIT; COMMIT").await;
        }
    }
    database.bus().set_behavior(BusBehavior::Accept);
}

#[tokio::test]
async fn sweep_publishes_without_locks_and_its_lease_expires() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::Fail);
    place(&database, 2).await;
    abort_a_sweep(&database).await;
    let sweep = database.outbox();
    assert_eq!(sweep.sweep(after(60), 100, None).await, Ok(SweepReport::default()), "they are leased");
    assert_eq!(sweep.sweep(after(119), 100, None).await, Ok(SweepReport::default()), "for a minute");
    assert_eq!(sweep.sweep(after(121), 100, None).await.expect("swept").sent, 2);
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE claimed_until IS NOT NULL").await, 0);
}

#[tokio::test]
async fn accepted_events_are_marked_although_other_requests_of_the_sweep_time_out() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    multiply(&database, 60).await;
    database.bus().set_behavior(BusBehavior::TimeOutAfter(4));
    // All requests are under way at once, so that the sweep lasts as long as one time-out.
    let swept = database.outbox().sweep(after(3600), 60, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, swept.timed_out), (60, 40, false));
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await, 20);
    database.bus().set_behavior(BusBehavior::Accept);
    let swept = database.outbox().sweep(after(3600), 60, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent), (20, 20), "only the others are sent again");
}

#[tokio::test]
async fn mark_of_the_command_is_not_undone_by_a_sweep_that_was_rejected() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    database.bus().set_behavior(BusBehavior::TimeOut);
    let sweep = database.outbox();
    let mark = async {
        database.wait_until("SELECT count(*) FROM orders.outbox WHERE claimed_until IS NOT NULL").await;
        database.execute("SELECT orders.mark_published(ARRAY(SELECT id FROM orders.outbox))").await;
    };
    let (swept, ()) = join(sweep.sweep(after(60), 10, None), mark).await;
    assert_eq!(swept.expect("swept").sent, 0);
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await, 0);
}

#[tokio::test]
async fn cost_of_a_page_does_not_grow_with_the_backlog() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    multiply(&database, 200).await;
    database.bus().set_behavior(BusBehavior::Accept);
    let page = async |after_cursor| {
        let sweep = async || database.outbox().sweep(after(1_000_000), 50, after_cursor).await.expect("swept");
        rows_read(&database, "orders", sweep).await
    };
    let (few, read_of_few) = page(None).await;
    multiply(&database, 40_000 / 150).await;
    assert!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await > 20_000);
    let (first, read_of_first) = page(None).await;
    let (next, read_of_next) = page(first.last).await;
    assert_eq!((few.sent, first.sent, next.sent), (50, 50, 50));
    assert!((50..1_000).contains(&read_of_few), "{read_of_few}");
    let limit = read_of_few + read_of_few / 2;
    assert!(read_of_first <= limit && read_of_next <= limit, "{read_of_few}, then {read_of_first} and {read_of_next}");
}

#[tokio::test]
async fn backlog_is_reported_without_reading_all_of_it() {
    let database = database().await;
    database.bus().set_behavior(BusBehavior::Fail);
    place(&database, 1).await;
    multiply(&database, 30_000).await;
    let (backlog, read) = rows_read(&database, "orders", async || backlog(&database).await).await;
    assert_eq!(backlog, pending(MAX_COUNTED, now()));
    assert!(read < 12_000, "{read}");
}

#[tokio::test]
async fn outbox_stores_an_event_as_it_is_published() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let (reservation, reserved, failed) = reservation_of(&[(a, 2)]);
    let outcome =
        stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap().expect("reserved");
    let rows = database.rows("SELECT event FROM inventory.outbox ORDER BY event ->> 'type' DESC").await;
    let stored: serde_json::Value = rows[0].get(0);
    assert_eq!(stored, serde_json::to_value(&outcome).unwrap());
}
