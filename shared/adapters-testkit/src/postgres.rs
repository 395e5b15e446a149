//! A PostgreSQL database for each test, and a bus that records events.
#![allow(clippy::expect_used, reason = "test support panics like a test")]

use adapters_postgres::{
    Database, Login, Migrator, PasswordSource, PgContacts, PgInvoices, PgOrders, PgOutbox, PgPayments, PgProbe,
    PgStock, PgUsers, PgWindows, Settings, Tls, schema_checksum,
};
use catalog::{Context, DatabaseRole};
use domain::Event;
use kernel::{Failure, Uuid};
use ports::{Bus, Migrations as _};
use std::{
    mem::ManuallyDrop,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls, Row, config::Host};

/// `DATABASE_URL`. Panics if it is not set.
pub fn database_url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL is not set: these tests need PostgreSQL, run scripts/test")
}

/// Creates a migrated database, which is dropped with the value: a copy of one that is migrated once.
pub async fn fresh_database(url: &str) -> TestDatabase {
    let server = Config::from_str(url).expect("DATABASE_URL is a Postgres URL");
    let template = template(&server).await;
    let database = TestDatabase::named(server, format!("q_test_{}", Uuid::now_v7().simple()));
    let name = &database.name;
    // A copy has the privileges on objects in the database, but not those on the database itself.
    run(&database.server, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
    run(&database.server, &format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")).await;
    database
}

/// Creates an empty database, which is dropped with the value.
pub async fn empty_database(url: &str) -> TestDatabase {
    let server = Config::from_str(url).expect("DATABASE_URL is a Postgres URL");
    let database = TestDatabase::named(server, format!("q_test_{}", Uuid::now_v7().simple()));
    run(&database.server, &format!("CREATE DATABASE {}", database.name)).await;
    database
}

/// Name of the template database with the current schema, shared by all test processes. A database that is not marked as a template is left
/// over from an interrupted run.
async fn template(server: &Config) -> String {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(async || {
        let name = format!("q_template_{:016x}", schema_checksum());
        let session = connect(server).await;
        // Held until the session ends.
        session.batch_execute("SELECT pg_advisory_lock(hashtext('q_template'))").await.expect("the lock is free");
        let others =
            "SELECT datname, datname = $1 AND datistemplate FROM pg_database WHERE datname LIKE 'q\\_template\\_%'";
        let mut exists = false;
        for row in session.query(others, &[&name]).await.expect("the query runs") {
            let (other, current): (String, bool) = (row.get(0), row.get(1));
            exists |= current;
            if !current {
                run(server, &format!("ALTER DATABASE {other} IS_TEMPLATE false")).await;
                run(server, &format!("DROP DATABASE {other} WITH (FORCE)")).await;
            }
        }
        if !exists {
            run(server, &format!("CREATE DATABASE {name}")).await;
            let template = ManuallyDrop::new(TestDatabase::named(server.clone(), name.clone()));
            Migrator::new(template.as_owner(), None).apply().await.expect("the database is migrated");
            run(server, &format!("ALTER DATABASE {name} IS_TEMPLATE true")).await;
        }
        name
    })
    .await
    .clone()
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the test server responds");
    tokio::spawn(connection);
    client
}

async fn run(config: &Config, sql: &str) {
    connect(config).await.batch_execute(sql).await.expect("the statement runs");
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Config,
    name: String,
    bus: RecordingBus,
}

impl TestDatabase {
    fn named(server: Config, name: String) -> Self {
        Self { server, name, bus: RecordingBus::default() }
    }

    /// A new connection as the owner.
    pub fn as_owner(&self) -> Arc<Database> {
        let (settings, secret) = self.login();
        Arc::new(Database::new(settings, secret))
    }

    /// A new connection as the role of a context. Its password is not changed, since a running stack uses the same roles.
    pub fn as_context(&self, context: Context) -> Arc<Database> {
        let (settings, secret) = self.login();
        let options = Some(format!("-c role={}", context.name()));
        Arc::new(Database::new(Settings { options, ..settings }, secret))
    }

    /// Like [`Self::as_context`], as any role, with the settings with which it logs in: those do not follow from `SET ROLE`.
    pub fn as_role(&self, role: DatabaseRole) -> Arc<Database> {
        let (settings, secret) = self.login();
        let schema = role.context().map_or("none", Context::name);
        let read_only = if role.is_read_only() { " -c default_transaction_read_only=on" } else { "" };
        let options = format!("-c role={} -c search_path={schema}{read_only}", role.name());
        Arc::new(Database::new(Settings { options: Some(options), ..settings }, secret))
    }

    /// Like [`Self::as_context`], through a proxy on `port` of this host.
    pub fn through_proxy(&self, context: Context, port: u16) -> Arc<Database> {
        let (settings, secret) = self.login();
        let options = Some(format!("-c role={}", context.name()));
        let settings = Settings { host: "127.0.0.1".to_owned(), port, tls: Tls::Off, options, ..settings };
        Arc::new(Database::new(settings, secret))
    }

    /// Like [`Self::through_proxy`], as the reader of a context.
    pub fn reader_through_proxy(&self, context: Context, port: u16) -> Arc<Database> {
        let (settings, secret) = self.login();
        let (role, schema) = (DatabaseRole::Reader(context).name(), context.name());
        let options = Some(format!("-c role={role} -c search_path={schema} -c default_transaction_read_only=on"));
        let settings = Settings { host: "127.0.0.1".to_owned(), port, tls: Tls::Off, options, ..settings };
        Arc::new(Database::new(settings, secret))
    }

    /// The host and port of the server.
    pub fn server(&self) -> (String, u16) {
        let (settings, _) = self.login();
        (settings.host, settings.port)
    }

    /// The login of the owner.
    pub fn login(&self) -> (Settings, PasswordSource) {
        let host = match self.server.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => "localhost".to_owned(),
        };
        let port = self.server.get_ports().first().copied().unwrap_or(5432);
        let user = self.server.get_user().unwrap_or("postgres");
        let secret = match self.server.get_password() {
            Some(password) => PasswordSource::Password(String::from_utf8_lossy(password).into_owned()),
            None => PasswordSource::Trust,
        };
        (Settings::new(Login { host: &host, port, database: &self.name, user }, Tls::Off), secret)
    }

    /// The bus that the stores of this database publish to.
    pub fn bus(&self) -> RecordingBus {
        self.bus.clone()
    }

    pub fn users(&self) -> PgUsers<RecordingBus> {
        PgUsers::new(self.as_context(Context::Identity), self.bus())
    }

    pub fn stock(&self) -> PgStock<RecordingBus> {
        PgStock::new(self.as_context(Context::Inventory), self.bus())
    }

    pub fn orders(&self) -> PgOrders<RecordingBus> {
        PgOrders::new(self.as_context(Context::Orders), self.bus())
    }

    pub fn payments(&self) -> PgPayments<RecordingBus> {
        PgPayments::new(self.as_context(Context::Payments), self.bus())
    }

    pub fn contacts(&self) -> PgContacts<RecordingBus> {
        PgContacts::new(self.as_context(Context::Notifications), self.bus())
    }

    pub fn invoices(&self) -> PgInvoices<RecordingBus> {
        PgInvoices::new(self.as_context(Context::Invoices), self.bus())
    }

    pub fn windows(&self) -> PgWindows {
        PgWindows::new(self.as_context(Context::Analytics))
    }

    pub fn outbox(&self) -> PgOutbox<RecordingBus> {
        PgOutbox::new(self.as_context(Context::Operations), self.bus())
    }

    pub fn probe(&self) -> PgProbe {
        PgProbe::new(self.as_role(DatabaseRole::Probe))
    }

    /// Queries the database directly, as the superuser.
    pub async fn rows(&self, sql: &str) -> Vec<Row> {
        self.connect().await.query(sql, &[]).await.expect("the query runs")
    }

    /// Queries one number, as the superuser.
    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await.first().expect("a row").get(0)
    }

    /// Waits until a query for one number returns another one than zero.
    pub async fn wait_until(&self, sql: &str) {
        let (client, began) = (self.connect().await, Instant::now());
        while client.query_one(sql, &[]).await.expect("the query runs").get::<_, i64>(0) == 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "timed out waiting for: {sql}");
        }
    }

    /// Executes statements directly, as the superuser.
    pub async fn execute(&self, sql: &str) {
        self.connect().await.batch_execute(sql).await.expect("the statement runs");
    }

    /// Executes statements in a transaction that stays open until the result is dropped, and is then rolled back.
    pub async fn hold_transaction(&self, sql: &str) -> impl Sized + use<> {
        let client = self.connect().await;
        client.batch_execute(&format!("BEGIN; {sql}")).await.expect("the statement runs");
        client
    }

    /// A connection as the superuser.
    pub async fn connect(&self) -> Client {
        let mut config = self.server.clone();
        connect(config.dbname(&self.name)).await
    }
}

impl Drop for TestDatabase {
    /// On a thread with its own runtime, since that of a panicking test is not available.
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run(&server, &sql));
        });
        if dropped.join().is_err() {
            tracing::warn!(database = self.name, "a test database could not be dropped");
        }
    }
}

/// A bus in memory that records events and can be made to fail.
#[derive(Debug, Clone, Default)]
pub struct RecordingBus {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    behavior: BusBehavior,
    accepted: Vec<Event>,
    /// Calls since the behavior was set.
    calls: usize,
}

/// How a [`RecordingBus`] responds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BusBehavior {
    #[default]
    Accept,
    /// Accepts the first event of each call and rejects the others.
    AcceptFirst,
    Fail,
    /// Never responds.
    TimeOut,
    /// Accepts the events of so many calls, and never responds to the others.
    TimeOutAfter(usize),
}

impl RecordingBus {
    /// The accepted events, oldest first.
    pub fn published(&self) -> Vec<Event> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).accepted.clone()
    }

    pub fn set_behavior(&self, behavior: BusBehavior) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.behavior, state.calls) = (behavior, 0);
    }

    /// The behavior, and the number of the call since it was set, from 1.
    fn begin(&self) -> (BusBehavior, usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += 1;
        (state.behavior, state.calls)
    }
}

impl Bus for RecordingBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        let (behavior, call) = self.begin();
        let most = match behavior {
            BusBehavior::Accept => events.len(),
            BusBehavior::TimeOutAfter(calls) if call <= calls => events.len(),
            BusBehavior::AcceptFirst => 1,
            BusBehavior::Fail => return Err(Failure::unavailable("bus", "unreachable, as configured")),
            BusBehavior::TimeOut | BusBehavior::TimeOutAfter(_) => std::future::pending().await,
        };
        let accepted = (0..events.len()).map(|n| n < most).collect();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.accepted.extend(events.iter().take(most).cloned());
        Ok(accepted)
    }
}
