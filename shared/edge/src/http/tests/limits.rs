//! Rate limits of clients: whom a request counts for, when it is counted, and what the response says.

use super::*;
use kernel::rate_limit::{self, Policy};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

const TWO_A_MINUTE: Policy = Policy { name: "minute", quota: 2, window_s: 60 };
const FOUR_A_DAY: Policy = Policy { name: "day", quota: 4, window_s: 86_400 };
const PUBLIC: Route = Route::new("thing-get", Access::Public);

/// Counts in memory.
#[derive(Default)]
struct Counter {
    used_until: RefCell<BTreeMap<String, [i64; 2]>>,
    is_down: bool,
}

impl RateLimiter for &Counter {
    async fn admit(&self, client: &str, now: Timestamp) -> Option<Admission> {
        let mut counters = self.used_until.borrow_mut();
        let used_until = counters.entry(client.to_owned()).or_default();
        (!self.is_down).then(|| rate_limit::admit(&[TWO_A_MINUTE, FOUR_A_DAY], used_until, now))
    }
}

/// Sends a request and returns status and headers.
async fn ask(route: Route, counter: &Counter, event: Value) -> (i64, Value) {
    let handler = async |_: Call<NoBody>| Ok(Reply::ok(1));
    let response = respond(&route.limited(counter), event, &clock(), &handler).await;
    (response["statusCode"].as_i64().unwrap(), response["headers"].clone())
}

fn from(address: &str) -> Value {
    let mut event = http_event("GET", "/things").build();
    event["requestContext"]["http"]["sourceIp"] = address.into();
    event
}

#[tokio::test]
async fn response_has_rate_limit_policies_and_remaining_quota() {
    let counter = Counter::default();
    let (status, headers) = ask(PUBLIC, &counter, from("192.0.2.1")).await;
    assert_eq!((status, &headers["ratelimit-policy"]), (200, &json!("\"minute\";q=2;w=60, \"day\";q=4;w=86400")));
    assert_eq!(headers["ratelimit"], "\"minute\";r=1;t=30, \"day\";r=3;t=21600");
    let (_, headers) = ask(PUBLIC, &counter, from("192.0.2.1")).await;
    assert_eq!(headers["ratelimit"], "\"minute\";r=0;t=30, \"day\";r=2;t=43200", "the next request in half a minute");
}

#[tokio::test]
async fn request_beyond_the_limit_is_429_and_reaches_no_handler() {
    let (counter, handled) = (Counter::default(), Cell::new(0));
    let handler = async |_: Call<NoBody>| {
        handled.set(handled.get() + 1);
        Ok(Reply::ok(1))
    };
    let mut response = Value::Null;
    for _ in 0..3 {
        response = respond(&PUBLIC.limited(&counter), from("192.0.2.1"), &clock(), &handler).await;
    }
    assert_eq!((response["statusCode"].as_i64(), handled.get()), (Some(429), 2));
    let problem: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["type"], "/problems/rate-limited");
    assert_eq!(response["headers"]["retry-after"], "30");
    assert_eq!(response["headers"]["ratelimit"], "\"minute\";r=0;t=30, \"day\";r=2;t=43200");
}

#[tokio::test]
async fn request_is_counted_before_it_is_checked() {
    let counter = Counter::default();
    let send = async |event| {
        let handler = async |_: Call<Change>| Ok(Reply::ok(1));
        respond(&ROUTE.limited(&counter), event, &clock(), &handler).await["statusCode"].as_i64().unwrap()
    };
    let broken = || http_event("POST", "/things").principal(USER, "customer").text("{").build();
    assert_eq!([send(broken()).await, send(broken()).await, send(broken()).await], [415, 415, 429]);
    let anonymous = || http_event("POST", "/things").build();
    assert_eq!([send(anonymous()).await, send(anonymous()).await, send(anonymous()).await], [401, 401, 429]);
}

#[tokio::test]
async fn request_counts_for_its_principal_or_else_for_its_network() {
    let counter = Counter::default();
    let other = Uuid::from_u128(2);
    for principal in [USER, USER, other] {
        ask(ROUTE, &counter, http_event("GET", "/things").principal(principal, "admin").build()).await;
    }
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:9::", "192.0.2.1"] {
        ask(PUBLIC, &counter, from(address)).await;
    }
    let clients: Vec<_> = counter.used_until.borrow().keys().cloned().collect();
    assert_eq!(clients, [&other.to_string(), &USER.to_string(), "192.0.2.1", "2001:db8:1:2::/64"]);
}

/// A distribution whose secret is `ours`, or that cannot be recognized at the moment.
enum Front {
    Known,
    Unknown,
}

impl Distribution for Front {
    async fn sends(&self, secret: &str) -> Result<bool, Failure> {
        match self {
            Self::Known => Ok(secret == "ours"),
            Self::Unknown => Err(Failure::unavailable("secrets", "down")),
        }
    }
}

fn through(secret: &str, viewer: &str) -> Value {
    let headers = [("x-origin-secret", secret), ("x-viewer-address", viewer)];
    let event =
        headers.into_iter().fold(http_event("GET", "/things"), |event, (name, value)| event.header(name, value));
    let mut event = event.build();
    event["requestContext"]["http"]["sourceIp"] = "192.0.2.1".into();
    event
}

async fn status_behind(front: Front, counter: &Counter, event: Value) -> i64 {
    let handler = async |_: Call<NoBody>| Ok(Reply::ok(1));
    let response = respond(&PUBLIC.limited(counter).behind(front), event, &clock(), &handler).await;
    response["statusCode"].as_i64().unwrap()
}

#[tokio::test]
async fn viewers_of_a_distribution_are_counted_apart() {
    let counter = Counter::default();
    for number in 1..=4 {
        let event = through("ours", &format!("198.51.100.{number}"));
        assert_eq!(status_behind(Front::Known, &counter, event).await, 200);
    }
    for expected in [200, 429] {
        assert_eq!(status_behind(Front::Known, &counter, through("ours", "198.51.100.1")).await, expected);
    }
}

#[tokio::test]
async fn forged_viewer_addresses_count_for_the_address_that_sends_them() {
    let counter = Counter::default();
    for (secret, expected) in [("guessed", 200), ("", 200), ("ours ", 429), ("ours,ours", 429)] {
        let event = through(secret, &format!("198.51.100.{}", secret.len()));
        assert_eq!(status_behind(Front::Known, &counter, event).await, expected, "{secret:?}");
    }
    assert_eq!(counter.used_until.borrow().keys().collect::<Vec<_>>(), ["192.0.2.1"]);
}

#[tokio::test]
async fn request_is_served_uncounted_while_the_distribution_cannot_be_recognized() {
    let counter = Counter::default();
    for _ in 0..3 {
        assert_eq!(status_behind(Front::Unknown, &counter, through("ours", "198.51.100.1")).await, 200);
    }
    assert!(counter.used_until.borrow().is_empty(), "the viewers of an edge location are not one client");
}

#[tokio::test]
async fn request_that_cannot_be_counted_is_served_without_the_fields() {
    let counter = Counter { is_down: true, ..Counter::default() };
    for _ in 0..3 {
        let (status, headers) = ask(PUBLIC, &counter, from("192.0.2.1")).await;
        assert_eq!((status, headers.get("ratelimit")), (200, None));
    }
}

#[tokio::test]
async fn not_modified_response_has_the_fields() {
    let counter = Counter::default();
    let handler = async |_: Call<NoBody>| Ok(Reply::ok(1).etag(7));
    let event = http_event("GET", "/things").header("if-none-match", "\"7\"").build();
    let response = respond(&PUBLIC.limited(&counter), event, &clock(), &handler).await;
    assert_eq!((response["statusCode"].as_i64(), response["headers"]["ratelimit"].is_string()), (Some(304), true));
}
