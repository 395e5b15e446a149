//! A request that comes again under its `Idempotency-Key`: requests in the gateway's shape, through `edge`, to the real handlers over
//! the real stores on PostgreSQL. `docs/idempotency.md` says which test shows what.

mod concurrency;
mod errors;
mod expiry;
mod payments;
mod products;
mod replay;

use crate::functions::{PRODUCT, USER, moment, sample};
use adapters::{Wiring, config::Config};
use adapters_postgres::PgOrders;
use adapters_testkit::postgres::{RecordingBus, TestDatabase, database_url, fresh_database};
use catalog::Function;
use edge::{Clock, http::Route};
use kernel::{Timestamp, Uuid};
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use testkit::{Platform, build};

/// Statements of a test that wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Everything that placing an order writes, by table.
const TRACES: &str = "SELECT (SELECT count(*) FROM orders.orders) + (SELECT count(*) FROM orders.order_lines)
    + (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM orders.idempotency)";

/// The shop's route for orders, over a database of this test's own. Every request is served by a process of its own.
struct Fixture {
    database: TestDatabase,
    /// Where the catalogue's offers come from.
    platform: Platform,
    seed: Cell<u64>,
}

/// A request, as the gateway sends it.
#[derive(Clone)]
struct Ask(Value);

/// What the gateway is answered.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u64,
    headers: Value,
    body: String,
}

impl Fixture {
    async fn open() -> Self {
        let platform = Platform::new();
        platform.products().put(&build::product().id(PRODUCT).sku("LANTERN-0").stock(5).created());
        Self { database: fresh_database(&database_url()).await, platform, seed: Cell::new(1) }
    }

    /// A clock with ids that no other clock of this shop gives.
    fn clock(&self, now: Timestamp) -> Clock {
        self.seed.set(self.seed.get() + 1);
        Clock::at(now, self.seed.get())
    }

    async fn place(&self, ask: &Ask) -> Answer {
        self.place_at(ask, &self.clock(moment())).await
    }

    async fn place_at(&self, ask: &Ask, clock: &Clock) -> Answer {
        place(&self.database.orders(), &self.platform, ask, clock).await
    }

    async fn orders(&self) -> i64 {
        self.database.number("SELECT count(*) FROM orders.orders").await
    }
}

/// Sends a request to a process that has this store.
async fn place(orders: &PgOrders<RecordingBus>, platform: &Platform, ask: &Ask, clock: &Clock) -> Answer {
    let handler = async |call| order_place::handle(orders, &platform.product_snapshots(), call).await;
    edge::http::respond(&route(catalog::ORDER_PLACE), ask.0.clone(), clock, &handler).await.into()
}

fn route(function: &'static Function) -> Route {
    Wiring::new(function, Config::from_vars([])).route().expect("a route")
}

impl Ask {
    /// The sample of a function that is answered well.
    fn of(function: &Function) -> Self {
        Self(sample(function, "ok"))
    }

    /// Two lanterns, please.
    fn order() -> Self {
        Self::of(catalog::ORDER_PLACE)
    }

    fn key(mut self, key: &str) -> Self {
        self.0["headers"]["idempotency-key"] = json!(key);
        self
    }

    fn by(mut self, user: Uuid) -> Self {
        self.0["requestContext"]["authorizer"]["lambda"]["sub"] = json!(user);
        self
    }

    fn text(mut self, body: &str) -> Self {
        self.0["body"] = json!(body);
        self
    }

    /// The same request with one member of its body set to something.
    fn with(self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut body = self.body();
        *body.pointer_mut(pointer).expect("a member of the sample") = value.into();
        self.text(&body.to_string())
    }

    fn body(&self) -> Value {
        serde_json::from_str(self.0["body"].as_str().expect("a body")).expect("JSON")
    }
}

impl From<Value> for Answer {
    fn from(answer: Value) -> Self {
        Self {
            status: answer["statusCode"].as_u64().expect("a status"),
            headers: answer["headers"].clone(),
            body: answer["body"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Status and code of a problem.
    fn problem(&self) -> (u64, String) {
        let code = self.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
        (self.status, code)
    }

    /// The same answer, told again: status, headers and body to the byte, and marked as a repetition.
    #[track_caller]
    fn repeats(&self, first: &Self) {
        assert_eq!((self.status, &self.body), (first.status, &first.body));
        let mut headers = first.headers.clone();
        headers["idempotent-replayed"] = json!("true");
        assert_eq!(self.headers, headers);
    }
}

fn refused(status: u64, code: &str) -> (u64, String) {
    (status, code.to_owned())
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Ends the connections to this test's database that wait for a lock, as a failover in the middle of a statement would.
async fn cut_who_waits(database: &TestDatabase) {
    database.wait_until(WAITING).await;
    let cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert!(database.number(cut).await > 0);
}
