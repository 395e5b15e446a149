//! The record of calls that the role of their caller does not permit.

use super::*;
use std::cell::RefCell;

const ADMINS: Route = Route::new("thing-do", Access::Roles(&["admin"]));

/// Keeps the calls in memory.
#[derive(Default)]
struct Log {
    calls: RefCell<Vec<RefusedCall>>,
    is_down: bool,
}

impl RefusalLog for Log {
    async fn record(&self, refused: &RefusedCall) -> Result<(), Failure> {
        if self.is_down {
            return Err(Failure::unavailable("database", "down"));
        }
        self.calls.borrow_mut().push(refused.clone());
        Ok(())
    }
}

/// Admits no request.
struct Exhausted;

impl RateLimiter for Exhausted {
    async fn admit(&self, _client: &str, now: Timestamp) -> Option<Admission> {
        let policy = kernel::rate_limit::Policy { name: "none", quota: 1, window_s: 60 };
        let mut used_until = [now.as_microsecond() + 120_000_000];
        Some(kernel::rate_limit::admit(&[policy], &mut used_until, now))
    }
}

async fn status(endpoint: &impl Endpoint, event: HttpEvent) -> i64 {
    let handler = async |_: Call<Change>| Ok(Reply::ok(1));
    respond(endpoint, event.build(), &clock(), &handler).await["statusCode"].as_i64().unwrap()
}

#[tokio::test]
async fn call_by_the_wrong_role_is_recorded_with_the_caller_and_the_path() {
    let log = Log::default();
    let route = Audited::new(ADMINS, &log);
    assert_eq!(status(&route, patch().path_param("id", 7)).await, 403);
    let [call] = &log.calls.borrow()[..] else { panic!("one call") };
    assert_eq!(call.caller, Principal { id: USER, role: "customer".to_owned() });
    assert_eq!((call.function, call.at), ("thing-do", Timestamp::UNIX_EPOCH));
    assert_eq!(call.path_parameters.get("id").map(String::as_str), Some("7"));
    assert!(!format!("{call:?}").contains("delta"), "nothing of the body");
}

#[tokio::test]
async fn permitted_and_anonymous_calls_are_not_recorded() {
    let log = Log::default();
    let route = Audited::new(ADMINS, &log);
    assert_eq!(status(&route, patch().principal(USER, "admin")).await, 200);
    let malformed = http_event("PATCH", "/things/7").principal(USER, "admin").body(json!({ "delta": "x" }));
    assert_eq!(status(&route, malformed).await, 422);
    assert_eq!(status(&route, http_event("PATCH", "/things/7").body(json!({ "delta": 1 }))).await, 401);
    assert_eq!(log.calls.borrow().len(), 0);
}

#[tokio::test]
async fn call_that_cannot_be_recorded_is_refused_all_the_same() {
    let log = Log { is_down: true, ..Log::default() };
    assert_eq!(status(&Audited::new(ADMINS, &log), patch()).await, 403);
}

#[tokio::test]
async fn call_beyond_the_limit_of_its_client_is_not_recorded() {
    let log = Log::default();
    assert_eq!(status(&Audited::new(ADMINS.limited(Exhausted), &log), patch()).await, 429);
    assert_eq!(log.calls.borrow().len(), 0);
}
