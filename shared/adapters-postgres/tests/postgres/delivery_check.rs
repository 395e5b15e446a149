//! The delivery check: a published event that a consumer has not recorded is published again.

use crate::fixtures::*;
use adapters_postgres::{PgEvents, PgHandledEvents};
use adapters_testkit::postgres::TestDatabase;
use catalog::{Context, DatabaseRole, Function};
use domain::{Event, delivery_check::is_repeat_due, id::UserId};
use kernel::{Claim, Timestamp, Uuid};
use ports::{DeliveryCheck, DeliveryCheckReport, EventOutbox, HandledEvents, OrderStore, Outbox, PlacementConditions};
use std::time::Duration;

/// Places an order that was published an hour and a minute ago, `hours` after it was placed.
async fn published(database: &TestDatabase, hours: u64) -> Event {
    let (order, event) = placed(UserId(id()), now());
    database
        .orders()
        .place(&order, &key(&id().to_string(), "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    database
        .execute(&format!(
            "UPDATE orders.outbox SET published_at = now() - interval '61 minutes',
                created_at = now() - interval '61 minutes' - interval '{hours} hours' WHERE id = '{}'",
            event.id
        ))
        .await;
    event
}

fn role_of(consumer: &Function) -> DatabaseRole {
    consumer.database_role().expect("a consumer with an inbox has a role")
}

async fn record(database: &TestDatabase, consumer: &Function, event: Uuid) {
    let handled_events = PgHandledEvents::new(database.as_role(role_of(consumer)));
    for _ in 0..2 {
        handled_events.record(Claim { consumer: consumer.name, event_id: event }).await.expect("recorded");
    }
}

const REPEAT_HOURS: &[i64] = &[1, 2, 8, 24, 48];

async fn check(database: &TestDatabase) -> DeliveryCheckReport {
    let at = Timestamp::now();
    let ago = |seconds: u64| at - Duration::from_secs(seconds);
    let (published_before, given_up_before) = (ago(3_600), ago(14 * 24 * 3_600));
    let check = DeliveryCheck { now: at, published_before, given_up_before, repeat_hours: REPEAT_HOURS, limit: 100 };
    database.outbox().requeue_undelivered(&check).await.expect("a delivery check")
}

async fn waiting(database: &TestDatabase, event: Uuid) -> bool {
    let sql = format!("SELECT count(*) FROM orders.outbox WHERE id = '{event}' AND published_at IS NULL");
    database.number(&sql).await == 1
}

#[tokio::test]
async fn event_that_one_of_its_consumers_has_not_recorded_is_published_again() {
    let consumers: Vec<&Function> = catalog::consumers_with_inbox(catalog::ORDER_PLACED).collect();
    assert!(consumers.len() >= 3, "{consumers:?}");
    for missing in &consumers {
        let database = database().await;
        let (lost, delivered) = (published(&database, 0).await, published(&database, 0).await);
        for consumer in &consumers {
            record(&database, consumer, delivered.id).await;
            if consumer.name != missing.name {
                record(&database, consumer, lost.id).await;
            }
        }
        assert_eq!(check(&database).await, DeliveryCheckReport { checked: 2, requeued: 1 }, "{}", missing.name);
        assert!(waiting(&database, lost.id).await && !waiting(&database, delivered.id).await);
        assert_eq!(check(&database).await, DeliveryCheckReport::default(), "each is looked at once");
        database.outbox().sweep(Timestamp::now(), 100, None).await.expect("swept");
        assert_eq!(database.bus().published().last(), Some(&lost));
    }
}

#[tokio::test]
async fn undelivered_event_is_published_again_less_and_less_often_until_it_is_given_up() {
    let ages = [(1, true), (2, false), (6, false), (7, true), (23, true), (24, false), (47, true), (14 * 24, false)];
    let database = database().await;
    for (hours, is_due) in ages {
        let event = published(&database, hours).await;
        let happened = Timestamp::now() - Duration::from_secs(61 * 60 + hours * 3_600);
        assert_eq!(is_repeat_due(happened, Timestamp::now(), REPEAT_HOURS), is_due, "the rule of the domain");
        let expected = DeliveryCheckReport { checked: 1, requeued: is_due.into() };
        database.execute("DELETE FROM operations.delivery_checks").await;
        assert_eq!(check(&database).await, expected, "published {hours} hours after it happened");
        let looks_again = format!(
            "SELECT count(*) FROM orders.outbox WHERE id = '{}' AND published_at > now() - interval '1 minute'",
            event.id
        );
        let looks_again = database.number(&looks_again).await == 1;
        assert_eq!(looks_again, !is_due && hours < 14 * 24, "published {hours} hours after it happened");
        database.execute("DELETE FROM orders.outbox").await;
    }
}

#[tokio::test]
async fn events_that_are_looked_at_again_have_times_of_their_own() {
    let database = database().await;
    for _ in 0..3 {
        published(&database, 2).await;
    }
    // As if one check had marked them all.
    database.execute("UPDATE orders.outbox SET published_at = now() - interval '61 minutes'").await;
    assert_eq!(check(&database).await, DeliveryCheckReport { checked: 3, requeued: 0 });
    assert_eq!(database.number("SELECT count(DISTINCT published_at) FROM orders.outbox").await, 3);
}

#[tokio::test]
async fn recorder_adds_entries_to_the_inbox_of_operations_and_reads_keys_alone() {
    let database = database().await;
    record(&database, catalog::EVENT_FORWARD, id()).await;
    assert_eq!(database.number("SELECT count(*) FROM operations.inbox").await, 1);
    for privilege in ["SELECT", "UPDATE", "DELETE", "TRUNCATE"] {
        let sql = format!(
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            AND (schemaname, tablename) <> ('operations', 'idempotency')
            AND has_table_privilege('recorder', format('%I.%I', schemaname, tablename), '{privilege}')"
        );
        assert_eq!(database.number(&sql).await, 0, "{privilege}");
    }
}

#[tokio::test]
async fn event_of_a_change_elsewhere_is_committed_once_and_published() {
    let database = database().await;
    let events = PgEvents::new(Context::Catalogue, database.as_context(Context::Catalogue), database.bus());
    let event = event(product(3));
    for _ in 0..2 {
        events.commit(&event).await.expect("committed");
    }
    assert_eq!(database.bus().published(), [event]);
    assert_eq!(database.number("SELECT count(*) FROM catalogue.outbox WHERE published_at IS NULL").await, 0);
}
