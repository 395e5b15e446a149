//! Requests that are repeated under their `Idempotency-Key`: API Gateway events go through `edge` to the real handlers over the real
//! stores on PostgreSQL. `docs/idempotency.md` lists the cases and their tests.

mod concurrency;
mod errors;
mod expiry;
mod payments;
mod products;
mod replay;

use crate::functions::{PRODUCT, USER, sample, sample_time};
use adapters::{Wiring, config::Config};
use adapters_postgres::PgOrders;
use adapters_testkit::postgres::{RecordingBus, TestDatabase, database_url, fresh_database};
use catalog::Function;
use domain::order::{OrderLimits, Rates};
use edge::{Clock, http::Route};
use kernel::{Timestamp, Uuid};
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use testkit::{Platform, build};

/// Counts the statements of this database that wait for a lock.
const WAITING_STATEMENTS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Counts the rows that placing an order writes, in all its tables.
const ORDER_ROWS: &str = "SELECT (SELECT count(*) FROM orders.orders) + (SELECT count(*) FROM orders.order_lines)
    + (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM orders.idempotency)";

/// The route that places orders, over a database of the test's own. Each request is served by another process.
struct Fixture {
    database: TestDatabase,
    /// Source of the product snapshots.
    platform: Platform,
    seed: Cell<u64>,
}

/// A request as API Gateway sends it.
#[derive(Clone)]
struct Request(Value);

/// A response as API Gateway gets it.
#[derive(Debug, Clone, PartialEq)]
struct Response {
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

    /// A clock whose ids differ from those of all other clocks of the fixture.
    fn clock(&self, now: Timestamp) -> Clock {
        self.seed.set(self.seed.get() + 1);
        Clock::at(now, self.seed.get())
    }

    async fn place(&self, request: &Request) -> Response {
        self.place_at(request, &self.clock(sample_time())).await
    }

    async fn place_at(&self, request: &Request, clock: &Clock) -> Response {
        place(&self.database.orders(), &self.platform, request, clock).await
    }

    async fn orders(&self) -> i64 {
        self.database.number("SELECT count(*) FROM orders.orders").await
    }
}

/// Sends a request to a process that uses this store.
async fn place(orders: &PgOrders<RecordingBus>, platform: &Platform, request: &Request, clock: &Clock) -> Response {
    let handler = async |call| {
        order_place::handle(orders, &platform.product_snapshots(), (OrderLimits::default(), &Rates::default()), call)
            .await
    };
    edge::http::respond(&route(catalog::ORDER_PLACE), request.0.clone(), clock, &handler).await.into()
}

fn route(function: &'static Function) -> Route {
    Wiring::new(function, Config::from_vars([])).route().expect("a route")
}

impl Request {
    /// The fixture of a function that succeeds.
    fn of(function: &Function) -> Self {
        Self(sample(function, "ok"))
    }

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

    /// The same request with one member of its body replaced.
    fn with(self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut body = self.body();
        *body.pointer_mut(pointer).expect("a member of the fixture") = value.into();
        self.text(&body.to_string())
    }

    fn body(&self) -> Value {
        serde_json::from_str(self.0["body"].as_str().expect("a body")).expect("JSON")
    }
}

impl From<Value> for Response {
    fn from(response: Value) -> Self {
        Self {
            status: response["statusCode"].as_u64().expect("a status"),
            headers: response["headers"].clone(),
            body: response["body"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Status and code of a problem document.
    fn problem(&self) -> (u64, String) {
        let code = self.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
        (self.status, code)
    }

    /// Asserts that this is `first` replayed: the same status, headers and body, with the header that marks a replay.
    #[track_caller]
    fn repeats(&self, first: &Self) {
        assert_eq!((self.status, &self.body), (first.status, &first.body));
        let mut headers = first.headers.clone();
        headers["idempotent-replayed"] = json!("true");
        assert_eq!(self.headers, headers);
    }
}

fn rejected(status: u64, code: &str) -> (u64, String) {
    (status, code.to_owned())
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Terminates the connections that wait for a lock, as a failover during a statement does.
async fn terminate_waiting_connections(database: &TestDatabase) {
    database.wait_until(WAITING_STATEMENTS).await;
    let cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert!(database.number(cut).await > 0);
}
