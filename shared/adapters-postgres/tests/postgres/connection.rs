//! The connection: opened when needed, reopened when broken, with bounded waits.

use crate::fixtures::*;
use adapters_postgres::{Database, Login, PasswordSource, PgOrders, PgProbe, Settings, Tls};
use adapters_testkit::postgres::TestDatabase;
use catalog::Context;
use domain::id::{OrderId, UserId};
use kernel::{Failure, FailureKind};
use ports::{OrderStore, PlacementConditions, Probe};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Counts the statements of this database that wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Settings for a port of this host where no PostgreSQL is.
fn nobody_at(port: u16) -> Settings {
    Settings::new(Login { host: "127.0.0.1", port, database: "none", user: "nobody" }, Tls::Off)
}

/// Terminates the other connections to this database that match `which`, as a proxy or a failover does.
async fn cut(database: &TestDatabase, which: &str) {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    assert!(database.number(&sql).await > 0);
}

#[tokio::test]
async fn connection_closed_while_idle_is_replaced_transparently() {
    let database = database().await;
    let connection = database.as_context(Context::Orders);
    let orders = PgOrders::new(connection.clone(), database.bus());
    orders.get(OrderId(id()), None).await.expect("a response");
    for _ in 0..5 {
        cut(&database, "true").await;
        let (order, event) = placed(UserId(id()), now());
        orders
            .place(&order, &key(&id().to_string(), "f"), &reply(201), &event, &PlacementConditions::default())
            .await
            .expect("placed");
    }
    assert_eq!(database.number("SELECT count(*) FROM orders.orders").await, 5);
}

#[tokio::test]
async fn connection_lost_during_a_statement_is_unavailable_then_replaced() {
    let database = database().await;
    let orders = database.orders();
    let (order, event) = placed(UserId(id()), now());
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("placed");
    let lock = database.hold_transaction("LOCK TABLE orders.orders").await;
    let cutter = async {
        database.wait_until(WAITING).await;
        cut(&database, "wait_event_type = 'Lock'").await;
    };
    let (response, ()) = tokio::join!(orders.get(order.id, None), cutter);
    drop(lock);
    let failure = response.expect_err("cut");
    assert_eq!((failure.kind, failure.retry_after_s), (FailureKind::Unavailable, Some(2)));
    assert!(orders.get(order.id, None).await.expect("a response").is_some());
}

#[tokio::test]
async fn connection_to_a_server_that_became_read_only_is_replaced() {
    let database = database().await;
    let orders = database.orders();
    let name: String = database.rows("SELECT current_database()::text AS name").await[0].get("name");
    database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let (order, event) = placed(UserId(id()), now());
    let failure = orders
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect_err("read-only");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    let reset = format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT");
    database.execute(&reset).await;
    orders
        .place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default())
        .await
        .expect("placed over a new connection");
}

#[tokio::test]
async fn unreachable_database_is_unavailable_after_one_retry() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let secret = PasswordSource::issued(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok("token".to_owned()) }
    });
    // Nothing listens on port 1.
    let database = Arc::new(Database::new(nobody_at(1), secret));
    let failure = PgProbe::new(database.clone()).check().await.expect_err("unavailable");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(calls.load(Ordering::Relaxed), 2, "every connection has a token of its own");
    assert_eq!(database.round_trips(), 0);
    assert!(!failure.detail.contains("127.0.0.1"));
}

#[tokio::test]
async fn server_that_accepts_but_never_responds_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut settings = nobody_at(port);
    settings.connect_timeout = Duration::from_millis(100);
    // The server never responds: without a timeout, this would not return.
    let failure =
        PgProbe::new(Arc::new(Database::new(settings, PasswordSource::Trust))).check().await.expect_err("unavailable");
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[tokio::test]
async fn failing_password_provider_is_reported_as_its_own_failure() {
    let secret = PasswordSource::issued(|| async { Err(Failure::unavailable("credentials", "none")) });
    let settings = nobody_at(1);
    let failure = PgProbe::new(Arc::new(Database::new(settings, secret))).check().await.expect_err("unavailable");
    assert!(failure.to_string().contains("credentials"));
}

#[tokio::test]
async fn cancelled_call_leaves_a_working_connection() {
    let database = database().await;
    let orders = database.orders();
    let (order, event) = placed(UserId(id()), now());
    orders.place(&order, &key("k", "f"), &reply(201), &event, &PlacementConditions::default()).await.expect("placed");
    let lock = database.hold_transaction("LOCK TABLE orders.orders").await;
    tokio::select! {
        response = orders.get(order.id, None) => panic!("{response:?} in spite of the lock"),
        () = database.wait_until(WAITING) => {}
    }
    drop(lock);
    assert!(orders.get(order.id, None).await.expect("a response").is_some());
}

#[tokio::test]
async fn server_with_an_untrusted_certificate_receives_no_data() {
    let database = database().await;
    let (mut settings, secret) = database.login();
    settings.tls = Tls::Require;
    let strict = Database::new(settings, secret);
    let failure =
        PgProbe::new(Arc::new(strict)).check().await.expect_err("no certificate that Mozilla's roots vouch for");
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[tokio::test]
async fn probe_reports_whether_the_database_responds() {
    let database = database().await;
    let probe = database.probe();
    assert_eq!((probe.dependency(), probe.is_essential()), ("database", true));
    assert_eq!(probe.check().await, Ok(()));
}
