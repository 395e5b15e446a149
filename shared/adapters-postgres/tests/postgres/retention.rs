//! Retention: rows beyond it are deleted, by the role of the sweep, and no others.

use crate::{
    fixtures::*,
    outbox::{multiply, place},
};
use adapters_testkit::postgres::TestDatabase;
use catalog::{RETENTION, Removal, StoreKind, SweptTable};
use futures_util::future::join;
use kernel::Timestamp;
use ports::{ExpiredRows, Retention as _};
use std::collections::BTreeSet;

/// The rows of a table that are expired now.
fn expired(SweptTable { table, since, days }: SweptTable) -> ExpiredRows {
    let before = Timestamp::from_second(Timestamp::now().as_second() - i64::from(days) * 86_400).expect("a time");
    ExpiredRows { table, since, before }
}

/// Inserts a row with `age` (SQL, an interval) in the column that decides, and anything in the others.
async fn insert(database: &TestDatabase, SweptTable { table, since, .. }: SweptTable, age: &str) {
    let (schema, name) = table.split_once('.').expect("a schema");
    let columns = format!(
        "SELECT string_agg(quote_ident(column_name), ', '), string_agg(CASE
            WHEN column_name = '{since}' THEN $x$now() - interval '{age}'$x$
            WHEN data_type = 'uuid' THEN 'gen_random_uuid()'
            WHEN data_type = 'text' THEN 'gen_random_uuid()::text'
            WHEN data_type = 'bytea' THEN 'uuid_send(gen_random_uuid())'
            WHEN data_type = 'jsonb' THEN $x$'{{}}'$x$
            WHEN data_type = 'boolean' THEN 'false'
            WHEN data_type = 'timestamp with time zone' THEN 'now()'
            WHEN data_type = 'ARRAY' THEN $x$'{{}}'$x$
            ELSE '1' END, ', ')
        FROM information_schema.columns
        WHERE table_schema = '{schema}' AND table_name = '{name}' AND (column_name = '{since}' OR is_nullable = 'NO')"
    );
    let rows = database.rows(&columns).await;
    let (names, values): (&str, &str) = (rows[0].get(0), rows[0].get(1));
    database.execute(&format!("INSERT INTO {table} ({names}) VALUES ({values})")).await;
}

#[tokio::test]
async fn every_table_deletes_what_is_past_its_retention_and_nothing_else() {
    let database = database().await;
    // Only the age of the rows matters here.
    let unconstrained = "DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
            WHERE contype IN ('c', 'f') AND conrelid <> 0 AND connamespace <> 'pg_catalog'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.of, one.conname); END LOOP; END $$";
    database.execute(unconstrained).await;
    let sweep = database.outbox();
    for swept in catalog::swept_tables() {
        let SweptTable { table, days, .. } = swept;
        let (old, young) = match days {
            0 => ("1 minute".to_owned(), "-1 hour".to_owned()),
            days => (format!("{days} days 1 minute"), format!("{days} days -1 hour")),
        };
        for age in [&old, &young, &old, &old] {
            insert(&database, swept, age).await;
        }
        let rows = expired(swept);
        assert_eq!(sweep.delete(&rows, 2).await, Ok(2), "{table}: at most as many as asked");
        assert_eq!(sweep.delete(&rows, 2).await, Ok(1), "{table}");
        assert_eq!(sweep.delete(&rows, 2).await, Ok(0), "{table}");
        assert_eq!(database.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table} keeps the young one");
    }
}

#[tokio::test]
async fn every_table_has_a_retention_and_an_index_to_delete_by() {
    let database = database().await;
    let tables = "SELECT format('%s.%s', schemaname, tablename) FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')";
    let tables: BTreeSet<String> = database.rows(tables).await.iter().map(|row| row.get(0)).collect();
    let rules = RETENTION.iter().filter(|rule| rule.kind == StoreKind::PostgresTable);
    let stated: BTreeSet<String> = rules.flat_map(|rule| rule.names.iter().map(|name| (*name).to_owned())).collect();
    assert_eq!(tables.symmetric_difference(&stated).collect::<Vec<_>>(), Vec::<&String>::new());
    for SweptTable { table, since, .. } in catalog::swept_tables() {
        let indexed = format!(
            "SELECT count(*) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = '{table}'::regclass AND a.attname = '{since}'"
        );
        assert!(database.number(&indexed).await > 0, "{table} has no index that begins with {since}");
    }
}

#[test]
fn pending_events_have_no_age() {
    let outboxes: Vec<_> = catalog::swept_tables().filter(|one| one.table.ends_with(".outbox")).collect();
    assert!(outboxes.len() >= 6);
    assert!(outboxes.iter().all(|one| one.since == "published_at"));
    assert!(RETENTION.iter().any(|rule| matches!(rule.retention, Removal::Unlimited(_))));
}

#[tokio::test]
async fn cost_of_a_deletion_does_not_grow_with_what_is_kept() {
    let database = database().await;
    place(&database, 1).await;
    multiply(&database, 20_000).await;
    database
        .execute("UPDATE orders.outbox SET published_at = now() - CASE WHEN created_at < (SELECT min(created_at) FROM orders.outbox)
            + interval '500 seconds' THEN interval '8 days' ELSE interval '1 hour' END; ANALYZE orders.outbox")
        .await;
    let swept = catalog::swept_tables().find(|one| one.table == "orders.outbox").expect("it is listed");
    let delete = async || database.outbox().delete(&expired(swept), 200).await;
    let (deleted, read) = rows_read(&database, "orders", delete).await;
    assert_eq!(deleted, Ok(200));
    assert!((200..1_000).contains(&read), "{read}");
}

#[tokio::test]
async fn key_reused_while_it_is_deleted_is_kept() {
    let database = database().await;
    place(&database, 1).await;
    database.execute("UPDATE orders.idempotency SET expires_at = now() - interval '1 hour'").await;
    let taker = database.connect().await;
    let take = "BEGIN; UPDATE orders.idempotency SET expires_at = now() + interval '1 day'";
    taker.batch_execute(take).await.expect("taken over");
    let commit = async {
        database
            .wait_until(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            .await;
        taker.batch_execute("COMMIT").await.expect("committed");
    };
    let rows = ExpiredRows { table: "orders.idempotency", since: "expires_at", before: Timestamp::now() };
    let (deleted, ()) = join(database.outbox().delete(&rows, 10), commit).await;
    assert_eq!(deleted, Ok(0));
    assert_eq!(database.number("SELECT count(*) FROM orders.idempotency").await, 1);
}
