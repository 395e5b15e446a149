//! Roles that only read: what functions read works with them, and no write does, by privilege and by read-only transactions.

use crate::{fixtures::*, stock::opened};
use adapters_postgres::{
    PgContacts, PgEventRecords, PgInvoices, PgOrders, PgPayments, PgProductIndex, PgStock, PgUsers, PgWindows,
};
use adapters_testkit::postgres::TestDatabase;
use catalog::{Context, DatabaseRole};
use domain::id::{OrderId, PaymentId, UserId};
use domain::listing::{ProductQuery, Sort};
use domain::message_template::{TemplateHistory, TemplateKey};
use domain::notification::{Locale, Template};
use kernel::FailureKind;
use ports::{
    ContactStore, InvoiceStore, NotificationRequests, OrderStore, PaymentStore, PlacementConditions, PreferenceStore,
    Probe, ProductIndex, SessionStore, StockMovements, StockStore, TemplateEdits, Timeline, WindowStore,
};

fn readers() -> impl Iterator<Item = (Context, &'static str)> {
    catalog::database_roles().filter_map(|role| match role {
        DatabaseRole::Reader(context) => Some((context, role.name())),
        _ => None,
    })
}

/// The number of tables on which, or on columns of which, the role has one of the privileges, of those for which the condition holds.
async fn tables(database: &TestDatabase, role: &str, privileges: &str, condition: &str) -> i64 {
    // Only these privileges exist for columns.
    let of_columns = match privileges.contains("DELETE") {
        true => "SELECT, INSERT, UPDATE, REFERENCES".split(", ").filter(|one| privileges.contains(one)).collect(),
        false => vec![privileges],
    };
    let sql = format!(
        "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND {condition}
        AND (has_table_privilege('{role}', format('%I.%I', schemaname, tablename), '{privileges}')
            OR has_any_column_privilege('{role}', format('%I.%I', schemaname, tablename), '{}'))",
        of_columns.join(", ")
    );
    database.number(&sql).await
}

#[tokio::test]
async fn reader_has_select_on_the_tables_of_its_context_and_no_other_privilege() {
    let database = database().await;
    let backbone = "tablename IN ('outbox', 'inbox', 'failed_attempts', 'idempotency')";
    let mut seen = 0;
    for (context, role) in readers() {
        let own = format!("schemaname = '{}'", context.name());
        assert_eq!(
            tables(&database, role, "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER", "true").await,
            0,
            "{role}"
        );
        assert_eq!(tables(&database, role, "SELECT", &format!("NOT {own}")).await, 0, "{role}");
        assert_eq!(tables(&database, role, "SELECT", backbone).await, 0, "{role}");
        assert!(tables(&database, role, "SELECT", &own).await > 0, "{role}");
        let functions = format!(
            "SELECT count(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
            WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'extensions') AND has_function_privilege('{role}', p.oid, 'EXECUTE')"
        );
        // The catalogue's lowers a threshold for its statement, identity's exports what is held about a person, and those of operations
        // tell when an event was published, which consumers have handled it, how often they failed, and why a refund was approved or rejected.
        let expected = match context {
            Context::Operations => 4,
            Context::Catalogue | Context::Identity => 1,
            _ => 0,
        };
        assert_eq!(database.number(&functions).await, expected, "{role}");
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[tokio::test]
async fn reader_of_identity_sees_no_hash_and_no_digest() {
    let database = database().await;
    let role = DatabaseRole::Reader(Context::Identity).name();
    let secrets = format!(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'identity'
        AND column_name IN ('password_hash', 'digest', 'selector')
        AND has_column_privilege('{role}', format('%I.%I', table_schema, table_name), column_name, 'SELECT')"
    );
    assert_eq!(database.number(&secrets).await, 0);
    let users = PgUsers::new(database.as_role(DatabaseRole::Reader(Context::Identity)), database.bus());
    assert!(users.sessions(UserId(id()), now(), 10, None).await.expect("read").items.is_empty());
}

#[tokio::test]
async fn everything_that_functions_read_works_as_a_reader() {
    let database = database().await;
    let as_reader = |context| database.as_role(DatabaseRole::Reader(context));
    let product = opened(&database.stock(), 5).await;
    let (order, event) = placed(UserId(id()), now());
    database
        .orders()
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");

    let orders = PgOrders::new(as_reader(Context::Orders), database.bus());
    assert_eq!(orders.get(order.id, None).await.expect("read").map(|found| found.id), Some(order.id));
    assert_eq!(orders.list(order.user_id, 10, None).await.expect("read").items.len(), 1);
    let stock = PgStock::new(as_reader(Context::Inventory), database.bus());
    assert!(stock.level(product).await.expect("read").is_some());
    assert_eq!(stock.movements(product, 10, None).await.expect("read").items.len(), 1);
    let payments = PgPayments::new(as_reader(Context::Payments), database.bus());
    assert_eq!(payments.get(PaymentId(id()), None).await, Ok(None));
    assert_eq!(payments.find_by_order(OrderId(id()), None).await, Ok(None));
    assert!(payments.mismatched(10, None).await.expect("read").items.is_empty());
    let contacts = PgContacts::new(as_reader(Context::Notifications), database.bus());
    assert!(contacts.find(UserId(id())).await.expect("read").is_none());
    assert!(contacts.delivery_log(order.id, 10, None).await.expect("read").items.is_empty());
    contacts.preferences(UserId(id())).await.expect("read");
    let key = TemplateKey { template: Template::OrderShipped, locale: Locale::En };
    assert_eq!(contacts.template_history(key, None).await, Ok(TemplateHistory::default()));
    let invoices = PgInvoices::new(as_reader(Context::Invoices), database.bus());
    assert_eq!(invoices.find(order.id, None).await, Ok(None));
    let windows = PgWindows::new(as_reader(Context::Analytics));
    assert!(windows.list(now(), now(), 10, None).await.expect("read").items.is_empty());
    let index = PgProductIndex::new(as_reader(Context::Catalogue));
    let records = PgEventRecords::new(as_reader(Context::Operations));
    assert!(records.of_order(order.id, now(), 10, None).await.expect("read").items.is_empty());
    let query = ProductQuery { words: vec!["lantern".to_owned()], sort: Sort::Relevance, ..Default::default() };
    assert!(index.search(&query, 10, None).await.expect("read").items.is_empty());
    assert_eq!(index.categories().await, Ok(vec![]));
    assert_eq!(index.prices(product, 10, None).await, Ok(None));
}

#[tokio::test]
async fn reader_cannot_write_even_with_the_privilege() {
    let database = database().await;
    let (order, event) = placed(UserId(id()), now());
    let write = async || {
        let orders = PgOrders::new(database.as_role(DatabaseRole::Reader(Context::Orders)), database.bus());
        orders
            .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
            .await
            .expect_err("refused")
    };
    assert_eq!(write().await.kind, FailureKind::Internal);
    database
        .execute(
            "GRANT ALL ON ALL TABLES IN SCHEMA orders TO orders_reader;
            GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA orders TO orders_reader",
        )
        .await;
    let failure = write().await;
    let cause = failure.internal.unwrap_or_default();
    assert!(cause.contains("read-only transaction"), "{cause}");
    assert_eq!(database.number("SELECT count(*) FROM orders.orders").await, 0);
}

#[tokio::test]
async fn readers_log_in_read_only_and_the_probe_does_not() {
    let database = database().await;
    for (context, role) in readers() {
        let settings = format!(
            "SELECT count(*) FROM pg_roles WHERE rolname = '{role}' AND rolcanlogin AND NOT rolsuper AND rolconfig
            @> '{{statement_timeout=5s,default_transaction_read_only=on,search_path={}}}'",
            context.name()
        );
        assert_eq!(database.number(&settings).await, 1, "{role}");
    }
    let probe = "SELECT count(*) FROM pg_roles WHERE rolname = 'probe' AND rolcanlogin AND NOT rolsuper
        AND NOT rolconfig::text LIKE '%read_only%'";
    assert_eq!(database.number(probe).await, 1);
}

#[tokio::test]
async fn probe_sees_that_the_database_responds_and_reads_nothing() {
    let database = database().await;
    assert_eq!(database.probe().check().await, Ok(()));
    let role = DatabaseRole::Probe.name();
    assert_eq!(tables(&database, role, "SELECT, INSERT, UPDATE, DELETE, TRUNCATE", "true").await, 0);
    let schemas = format!(
        "SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
        AND has_schema_privilege('{role}', oid, 'USAGE, CREATE')"
    );
    assert_eq!(database.number(&schemas).await, 0);
}

#[tokio::test]
async fn probe_fails_while_the_server_takes_no_writes() {
    let database = database().await;
    let probe = database.probe();
    assert_eq!(probe.check().await, Ok(()));
    let name: String = database.rows("SELECT current_database()::text AS name").await[0].get("name");
    database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let failure = database.probe().check().await.expect_err("read-only");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    let reset = format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT");
    database.execute(&reset).await;
    assert_eq!(database.probe().check().await, Ok(()));
}

#[tokio::test]
async fn context_adds_to_its_outbox_and_neither_changes_nor_deletes_events() {
    let database = database().await;
    for context in ["identity", "inventory", "orders", "payments", "notifications", "invoices", "analytics"] {
        for statement in [
            format!("UPDATE {context}.outbox SET event = '{{}}'"),
            format!("UPDATE {context}.outbox SET published_at = now()"),
            format!("DELETE FROM {context}.outbox"),
        ] {
            let refused = format!(
                "SET ROLE {context}; DO $$ BEGIN {statement}; RAISE EXCEPTION 'it was allowed';
                EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
            );
            database.execute(&refused).await;
        }
        database
            .execute(&format!("SET ROLE {context}; SELECT {context}.mark_published(ARRAY[gen_random_uuid()])"))
            .await;
    }
    let (order, event) = placed(UserId(id()), now());
    database
        .orders()
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    assert_eq!(database.number("SELECT count(*) FROM orders.outbox WHERE published_at IS NOT NULL").await, 1);
}
