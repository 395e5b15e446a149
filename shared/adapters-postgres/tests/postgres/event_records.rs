//! What operators see of every event.

use crate::fixtures::*;
use adapters_postgres::{PgEventRecords, PgHandledEvents, PgOperatorActions};
use adapters_testkit::postgres::TestDatabase;
use catalog::{Context, DatabaseRole};
use domain::id::OrderId;
use kernel::{Claim, Timestamp, Uuid};
use ports::{DeliveryStatuses as _, EventRecords as _, HandledEvents as _, OperatorLog as _, Timeline as _};
use std::collections::BTreeSet;

/// Number of orders with ten events each.
const ORDERS: i64 = 3_000;

/// Fills the records with events of many orders, one in a hundred by staff, and the inboxes of orders and of the inventory, and its outbox, with
/// an entry for each.
async fn fill(database: &TestDatabase) {
    let events = format!(
        "INSERT INTO operations.event_records
            (id, type, source, subject, sequence, occurred_at, correlation_id, actor_id, actor_role, order_id, user_id, data)
        SELECT gen_random_uuid(), 'StockAllocated.v1', 'quayside.inventory', o, e, now() - interval '1 day' + e * interval '1 second',
            gen_random_uuid(), gen_random_uuid(), CASE WHEN o % 100 = 0 THEN 'staff' ELSE 'customer' END, lpad(to_hex(o), 32, '0')::uuid,
            lpad(to_hex(o % 100), 32, '0')::uuid, '{{}}'
        FROM generate_series(1, {ORDERS}) AS o, generate_series(1, 10) AS e"
    );
    database.execute(&events).await;
    let claims = |schema: &str, consumer: &str| {
        format!(
            "INSERT INTO {schema}.inbox (consumer, event_id) SELECT '{consumer}', id FROM operations.event_records; ANALYZE {schema}.inbox;"
        )
    };
    database.execute(&claims("orders", catalog::ORDER_ADVANCE.name)).await;
    database.execute(&claims("inventory", catalog::STOCK_ALERT.name)).await;
    let published = "INSERT INTO inventory.outbox (id, created_at, event, published_at)
        SELECT id, occurred_at, '{}', occurred_at FROM operations.event_records; ANALYZE inventory.outbox";
    database.execute(published).await;
    database.execute("ANALYZE operations.event_records").await;
}

fn reader(database: &TestDatabase) -> PgEventRecords {
    PgEventRecords::new(database.as_role(DatabaseRole::Reader(Context::Operations)))
}

#[tokio::test]
async fn timeline_of_an_order_reads_its_own_rows_and_no_others() {
    let database = database().await;
    fill(&database).await;
    let order = OrderId(Uuid::from_u128(7));
    let look = async || reader(&database).of_order(order, Timestamp::UNIX_EPOCH, 100, None).await;
    for schema in ["operations", "orders", "inventory"] {
        let (page, read) = rows_read(&database, schema, &look).await;
        assert_eq!(page.expect("a page").items.len(), 10);
        assert!((10..=40).contains(&read), "{schema}: {read} of {} rows", 10 * ORDERS);
    }
}

#[tokio::test]
async fn page_of_the_audit_reads_its_own_rows_and_no_others() {
    let database = database().await;
    fill(&database).await;
    let list = async |cursor: Option<String>| {
        let log = PgOperatorActions::new(database.as_role(DatabaseRole::Reader(Context::Operations)));
        log.list(20, cursor.as_deref()).await.expect("a page")
    };
    let first = list(None).await;
    for cursor in [None, first.next] {
        let (page, read) = rows_read(&database, "operations", async || list(cursor).await).await;
        assert_eq!(page.items.len(), 20);
        // The second page skips the first one.
        assert!((20..=80).contains(&read), "{read} of {} rows", 10 * ORDERS);
    }
}

#[tokio::test]
async fn entry_says_when_the_outbox_of_its_context_published_the_event() {
    let (database, order) = (database().await, OrderId(id()));
    let contexts: BTreeSet<&str> = catalog::EVENTS.iter().map(|event| event.context.name()).collect();
    for (n, context) in contexts.iter().enumerate() {
        let (id, seconds) = (id(), n + 1);
        let insert = format!(
            "INSERT INTO operations.event_records (id, type, source, subject, sequence, occurred_at, correlation_id, order_id, data)
            VALUES ('{id}', 'x', '{context}', 'x', 1, timestamptz 'epoch' + {seconds} * interval '1 second', '{id}', '{order}', '{{}}');
            INSERT INTO {context}.outbox (id, created_at, event, published_at)
            VALUES ('{id}', 'epoch', '{{}}', timestamptz 'epoch' + {seconds} * interval '1 minute')"
        );
        database.execute(&insert).await;
    }
    let records = reader(&database);
    let published = async || -> Vec<Option<i64>> {
        let page = records.of_order(order, now(), 100, None).await.expect("a page");
        page.items.iter().map(|entry| entry.published_at.map(|at| at.as_second())).collect()
    };
    let minutes = (1..).take(contexts.len()).map(|minute| Some(60 * minute));
    assert!(contexts.len() > 5 && published().await.into_iter().eq(minutes));
    for context in &contexts {
        database.execute(&format!("UPDATE {context}.outbox SET published_at = NULL")).await;
    }
    assert!(published().await.iter().all(Option::is_none), "they are being published again");
}

#[tokio::test]
async fn handled_lists_each_consumer_with_its_failed_attempts() {
    let database = database().await;
    let records = reader(&database);
    for function in catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox()) {
        let Some(event) = function.consumes().first() else { continue };
        let (id, order) = (id(), OrderId(id()));
        let insert = format!(
            "INSERT INTO operations.event_records (id, type, source, subject, sequence, occurred_at, correlation_id, order_id, data)
            VALUES ('{id}', '{}', 'x', 'x', 1, now(), '{id}', '{order}', '{{}}')",
            event.name
        );
        database.execute(&insert).await;
        let claim = Claim { consumer: function.name, event_id: id };
        PgHandledEvents::new(database.as_role(DatabaseRole::Writer(function.context)))
            .record(claim)
            .await
            .expect("recorded");
        let role = function.database_role().expect("a role");
        PgHandledEvents::new(database.as_role(role)).record_failure(claim, "unavailable").await.expect("counted");
        let page = records.of_order(order, Timestamp::UNIX_EPOCH, 10, None).await.expect("a page");
        let first = &page.items[0].deliveries[0];
        assert_eq!((first.consumer.as_str(), first.handled_at.is_some()), (function.name, true));
        assert_eq!((first.failed_attempts, first.last_failure.as_deref()), (1, Some("unavailable")));
    }
}

#[tokio::test]
async fn every_consumer_records_its_dead_letters_which_the_timeline_and_a_redrive_see() {
    let database = database().await;
    for function in catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox()) {
        let claim = Claim { consumer: function.name, event_id: id() };
        let role = function.database_role().expect("a role");
        PgHandledEvents::new(database.as_role(role)).record_dead_letter(claim, "not-found").await.expect("recorded");
        for role in [DatabaseRole::Reader(Context::Operations), DatabaseRole::Recorder] {
            let records = PgEventRecords::new(database.as_role(role));
            let known = records.of_consumer(function.name, &[claim.event_id, id()]).await.expect("statuses");
            let status = &known[&claim.event_id];
            let found = (status.failed_attempts, status.last_failure.as_deref(), status.dead_lettered_at.is_some());
            assert_eq!(found, (0, Some("not-found"), true), "{} {}", function.name, role.name());
            assert_eq!(known.values().filter(|status| status.dead_lettered_at.is_some()).count(), 1);
        }
    }
}

#[tokio::test]
async fn recorder_adds_and_neither_reads_nor_changes() {
    let database = database().await;
    let recorder = PgEventRecords::new(database.as_role(DatabaseRole::Recorder));
    assert_eq!(recorder.add(&[]).await, Ok(()));
    for table in ["event_records", "operator_actions", "operator_outcomes"] {
        for statement in [format!("SELECT * FROM {table}"), format!("DELETE FROM {table}"), format!("TRUNCATE {table}")]
        {
            let refused = format!(
                "SET ROLE recorder; SET search_path = operations; DO $$ BEGIN EXECUTE '{statement}'; RAISE EXCEPTION 'it was allowed';
                EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
            );
            database.execute(&refused).await;
        }
    }
    let updates = "SELECT count(*) FROM pg_tables WHERE schemaname = 'operations' AND tablename <> 'idempotency'
        AND has_any_column_privilege('recorder', format('%I.%I', schemaname, tablename), 'UPDATE')";
    assert_eq!(database.number(updates).await, 0);
}
