//! Rate limits of clients, and the response fields that tell a client where it stands
//! (draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` and `RateLimit`).

use super::request::Head;
use super::route::Route;
use kernel::rate_limit::{Admission, Usage};
use kernel::{Failure, FailureKind, Timestamp, network};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Counts the requests of clients.
pub trait RateLimiter {
    /// Counts a request of `client` at `now`, and decides about it. `None` if it cannot be counted; such a request is admitted.
    fn admit(&self, client: &str, now: Timestamp) -> impl Future<Output = Option<Admission>>;
}

/// A route with a limit of requests by client, or without one.
pub trait Endpoint {
    /// The requirements of the route.
    fn route(&self) -> &Route;

    /// As [`RateLimiter::admit`]; `None` if the route has no limit.
    fn admit(&self, client: &str, now: Timestamp) -> impl Future<Output = Option<Admission>>;
}

impl Endpoint for Route {
    fn route(&self) -> &Route {
        self
    }

    async fn admit(&self, _client: &str, _now: Timestamp) -> Option<Admission> {
        None
    }
}

/// A route and the limiter of its clients; see [`Route::limited`].
#[derive(Debug, Clone)]
pub struct Limited<L> {
    route: Route,
    limiter: L,
}

impl Route {
    /// Limits the requests of each client by `limiter`.
    pub fn limited<L: RateLimiter>(self, limiter: L) -> Limited<L> {
        Limited { route: self, limiter }
    }
}

impl<L: RateLimiter> Endpoint for Limited<L> {
    fn route(&self) -> &Route {
        &self.route
    }

    async fn admit(&self, client: &str, now: Timestamp) -> Option<Admission> {
        self.limiter.admit(client, now).await
    }
}

/// The client that a request counts for: the principal, or the network that API Gateway saw where there is none, since most public routes have
/// no secret to prove a viewer's address with. `None` if neither is known, which API Gateway's requests exclude.
pub(super) fn client(head: &Head) -> Option<String> {
    match &head.principal {
        Some(principal) => Some(principal.id.to_string()),
        None => head.source_ip.as_deref().and_then(network::of),
    }
}

/// The rejection of a request beyond a limit; `None` if it is admitted.
pub(super) fn rejection(admission: &Admission) -> Option<Failure> {
    if admission.admitted {
        return None;
    }
    let detail = "There were too many requests; please try again later.";
    let failure = Failure::new(FailureKind::RateLimited, "rate-limited", detail);
    Some(Failure { retry_after_s: Some(admission.wait_s().max(1)), ..failure })
}

/// Adds the fields that tell the client its policies and what it has left of them.
pub(super) fn add_fields(headers: &mut HeaderMap, admission: &Admission) {
    let each = |describe: fn(&Usage) -> String| {
        let items: Vec<_> = admission.usage.iter().map(describe).collect();
        HeaderValue::from_str(&items.join(", ")).ok().filter(|_| !items.is_empty())
    };
    let policies =
        each(|usage| format!("\"{}\";q={};w={}", usage.policy.name, usage.policy.quota, usage.policy.window_s));
    let standing = each(|usage| format!("\"{}\";r={};t={}", usage.policy.name, usage.remaining(), usage.reset_s()));
    for (name, value) in [(POLICY, policies), (STANDING, standing)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}
