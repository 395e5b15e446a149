//! Committed events reach the bus: at once, or by the sweep.

use crate::{fixtures::*, stock::opened};
use adapters_testkit::postgres::{BusBehavior, TestDatabase};
use domain::id::UserId;
use futures_util::future::{join, join_all};
use kernel::Timestamp;
use ports::{CleanupReport, Cutoffs, OrderStore, Outbox, StockStore, SweepReport, Terms};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Places `count` orders, a second apart, the first at `now()`.
async fn place(database: &TestDatabase, count: u64) {
    let orders = database.orders();
    for n in 0..count {
        let (order, event) = placed(UserId(id()), now() + Duration::from_secs(n));
        orders
            .place(&order, &key(&id().to_string(), "f"), &reply(201), &event, &Terms::default())
            .await
            .expect("placed");
    }
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
    assert_eq!((swept.due, swept.sent, swept.waiting, swept.oldest), (1, 0, 1, Some(now())));
    bus.set_behavior(BusBehavior::Accept);
    let swept = sweep.sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, swept.waiting, swept.oldest), (1, 1, 0, None));
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
    assert_eq!((swept.due, swept.sent, swept.waiting, swept.oldest), (2, 2, 2, Some(after(1))));
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
    assert_eq!((swept.due, swept.sent, swept.waiting), (3, 1, 2));
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
    let swept = database.outbox().sweep(after(60), 100, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, swept.waiting), (2, 1, 1));
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
        sent.push(swept.sent);
        last = swept.last;
    }
    assert_eq!(sent, [0, 0, 1]);
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

#[tokio::test]
async fn clean_up_deletes_old_claims_expired_responses_and_sent_events_only() {
    let database = database().await;
    place(&database, 2).await;
    database
        .execute(            "UPDATE orders.outbox SET published_at = now() - interval '8 days';
            UPDATE orders.outbox SET published_at = NULL WHERE id = (SELECT min(id::text)::uuid FROM orders.outbox);
            INSERT INTO inventory.inbox SELECT 'c', gen_random_uuid(), now() - interval '16 days' FROM generate_series(1, 3);
            INSERT INTO inventory.idempotency SELECT * FROM orders.idempotency;
            UPDATE inventory.idempotency SET expires_at = now() - interval '2 hours';
            INSERT INTO payments.inbox SELECT 'c', gen_random_uuid(), now() - interval '14 days';
            INSERT INTO identity.login_attempts VALUES ('a', 1, now(), now() - interval '1 hour'), ('b', 1, now(), now() + interval '1 hour');
            INSERT INTO identity.login_sources VALUES ('a', now() - interval '1 hour'), ('b', now() + interval '1 hour');
            UPDATE orders.idempotency SET expires_at = now() - interval '1 hour'
            WHERE key = (SELECT min(key) FROM orders.idempotency)",
        )
        .await;
    let ago = |days: i64| Timestamp::from_second(Timestamp::now().as_second() - days * 24 * 3600).expect("a time");
    let (sweep, ends) = (database.outbox(), Cutoffs { sent: ago(7), claims: ago(15), replies: ago(0) });
    assert_eq!(sweep.clean_up(&ends, 2).await, Ok(CleanupReport { sent: 1, claims: 2, replies: 3, expired: 2 }));
    assert_eq!(sweep.clean_up(&ends, 2).await, Ok(CleanupReport { claims: 1, ..CleanupReport::default() }));
    assert_eq!(sweep.clean_up(&ends, 2).await, Ok(CleanupReport::default()));
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NULL").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM orders.idempotency").await, 1);
    for table in ["login_attempts", "login_sources"] {
        assert_eq!(database.number(&format!("SELECT count(*) FROM identity.{table}")).await, 1, "{table}");
    }
}

#[tokio::test]
async fn key_reused_during_clean_up_is_not_deleted() {
    let database = database().await;
    place(&database, 1).await;
    database.execute("UPDATE orders.idempotency SET expires_at = now() - interval '1 hour'").await;
    let taker = database.connect().await;
    let take = "BEGIN; UPDATE orders.idempotency SET expires_at = now() + interval '1 day'";
    taker.batch_execute(take).await.expect("taken over");
    let (sweep, end) = (database.outbox(), Timestamp::now());
    let ends = Cutoffs { sent: end, claims: end, replies: end };
    let commit = async {
        database
            .wait_until(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            .await;
        taker.batch_execute("COMMIT").await.expect("committed");
    };
    let (report, ()) = join(sweep.clean_up(&ends, 10), commit).await;
    assert_eq!(report.expect("cleaned up").replies, 0);
    assert_eq!(database.number("SELECT count(*) FROM orders.idempotency").await, 1);
}

#[tokio::test]
async fn aborted_sweep_leaves_its_events_to_the_next_one() {
    let database = database().await;
    let bus = database.bus();
    bus.set_behavior(BusBehavior::Fail);
    place(&database, 2).await;
    let sweep = database.outbox();
    bus.set_behavior(BusBehavior::TimeOut);
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'WITH%'";
    tokio::select! {
        swept = sweep.sweep(after(60), 100, None) => panic!("{swept:?} with a bus that does not respond"),
        () = database.wait_until(waiting) => {}
    }
    bus.set_behavior(BusBehavior::Accept);
    // The server rolls back as soon as it notices the closed connection.
    let mut sent = 0;
    let began = Instant::now();
    while sent < 2 && began.elapsed() < Duration::from_secs(5) {
        sent += sweep.sweep(after(60), 100, None).await.expect("swept").sent;
    }
    assert_eq!(sent, 2);
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
