//! Rate limits of clients, and the response fields that report the remaining quota
//! (draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` and `RateLimit`).

use super::refusals::RefusedCall;
use super::request::RequestHead;
use super::route::Route;
use crate::telemetry::metrics;
use kernel::rate_limit::{Admission, Usage};
use kernel::{Failure, FailureKind, Timestamp, network};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use std::rc::Rc;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts the requests of clients.
pub trait RateLimiter {
    /// Counts a request of `client` at `now`, and decides about it. `None` if it cannot be counted; such a request is admitted.
    fn admit(&self, client: &str, now: Timestamp) -> impl Future<Output = Option<Admission>>;
}

/// Recognizes the distribution in front of API Gateway.
pub trait Distribution {
    /// Whether `secret` is what the distribution sends with each request.
    fn sends(&self, secret: &str) -> impl Future<Output = Result<bool, Failure>>;
}

impl<D: Distribution> Distribution for Rc<D> {
    async fn sends(&self, secret: &str) -> Result<bool, Failure> {
        D::sends(self, secret).await
    }
}

/// For routes whose clients log in: no address counts there.
#[derive(Debug, Clone, Copy)]
pub struct NoDistribution;

impl Distribution for NoDistribution {
    async fn sends(&self, _secret: &str) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// A route with a limit of requests by client, or without one.
pub trait Endpoint: Distribution {
    /// The requirements of the route.
    fn route(&self) -> &Route;

    /// As [`RateLimiter::admit`]; `None` if the route has no limit.
    fn admit(&self, client: &str, now: Timestamp) -> impl Future<Output = Option<Admission>>;

    /// As [`RefusalLog::record`](super::RefusalLog::record); by default, nothing is recorded.
    fn refused(&self, _call: &RefusedCall) -> impl Future<Output = Result<(), Failure>> {
        std::future::ready(Ok(()))
    }
}

impl Distribution for Route {
    async fn sends(&self, _secret: &str) -> Result<bool, Failure> {
        Ok(false)
    }
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
pub struct Limited<L, D = NoDistribution> {
    route: Route,
    limiter: L,
    distribution: D,
}

impl Route {
    /// Limits the requests of each client by `limiter`.
    pub fn limited<L: RateLimiter>(self, limiter: L) -> Limited<L> {
        Limited { route: self, limiter, distribution: NoDistribution }
    }
}

impl<L> Limited<L> {
    /// Counts the viewers of `distribution`, and not its own addresses.
    pub fn behind<D: Distribution>(self, distribution: D) -> Limited<L, D> {
        let Self { route, limiter, .. } = self;
        Limited { route, limiter, distribution }
    }
}

impl<L, D: Distribution> Distribution for Limited<L, D> {
    async fn sends(&self, secret: &str) -> Result<bool, Failure> {
        self.distribution.sends(secret).await
    }
}

impl<L: RateLimiter, D: Distribution> Endpoint for Limited<L, D> {
    fn route(&self) -> &Route {
        &self.route
    }

    async fn admit(&self, client: &str, now: Timestamp) -> Option<Admission> {
        let admission = self.limiter.admit(client, now).await;
        if admission.is_none() {
            count_unlimited_request();
        }
        admission
    }
}

/// Counts a request that was admitted without being counted.
pub(super) fn count_unlimited_request() {
    metrics::count("RateLimitsUnavailable", 1);
}

/// The client that a request counts for: the principal, or the network of the client's address where there is none. `None` if neither is known,
/// which API Gateway's requests exclude.
pub(super) async fn client(
    head: &RequestHead,
    is_ours: impl AsyncFnOnce(&str) -> Result<bool, Failure>,
) -> Result<Option<String>, Failure> {
    match &head.principal {
        Some(principal) => Ok(Some(principal.id.to_string())),
        None => Ok(head.client_address(is_ours).await?.and_then(network::of)),
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

/// Adds the fields that state the client's policies and what it has left of them.
pub(super) fn add_fields(headers: &mut HeaderMap, admission: &Admission) {
    let each = |describe: fn(&Usage) -> String| {
        let items: Vec<_> = admission.usage.iter().map(describe).collect();
        HeaderValue::from_str(&items.join(", ")).ok().filter(|_| !items.is_empty())
    };
    let policies =
        each(|usage| format!("\"{}\";q={};w={}", usage.policy.name, usage.policy.quota, usage.policy.window_s));
    let rate_limits = each(|usage| format!("\"{}\";r={};t={}", usage.policy.name, usage.remaining(), usage.reset_s()));
    for (name, value) in [(POLICY, policies), (RATE_LIMIT, rate_limits)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}
