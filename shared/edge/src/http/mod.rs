//! The runner for a route of an API Gateway HTTP API (payload format 2.0).
//!
//! A request is first counted for its client. Then it is checked in the order of cost: authorization, size, idempotency key, version, media
//! type, and last the content. Every error response is `application/problem+json`.

mod basic;
mod body;
mod call;
mod canonical;
mod conditions;
mod cookie;
mod limit;
mod problem;
mod refusals;
mod reply;
mod request;
mod route;
#[cfg(test)]
mod tests;

pub use basic::{Basic, MalformedBasic};
pub use body::{Body, Form, Media, NoBody, RawBody, read_line};
pub use call::{Call, PageRequest};
pub use conditions::IfMatch;
pub use cookie::CredentialCookie;
pub use limit::{Distribution, Endpoint, Limited, NoDistribution, RateLimiter};
pub use problem::{status, title};
pub use refusals::{Audited, RefusalLog, RefusedCall};
pub use reply::{Document, Reply};
pub use request::{ORIGIN_SECRET, VIEWER_ADDRESS};
pub use route::{Access, KeyHandling, Route};

use crate::runtime::{self, Error, InvocationContext};
use crate::telemetry::{self, metrics, spans};
use crate::{Clock, catch_panic::catch_panic, trace};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
pub use kernel::Principal;
use kernel::rate_limit::Admission;
use kernel::{Failure, FailureKind, Timestamp};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use reply::{Envelope, Rendered};
use request::{RawContent, RequestHead, ValidatedRequest};
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument;

/// Runs `route`, which is a [`Route`] or a [`Limited`] one, with `handler`.
pub async fn run<B, T, F>(route: impl Endpoint, handler: F) -> Result<(), Error>
where
    B: Body,
    T: Serialize,
    F: AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
{
    let (endpoint, handler) = (&DynEndpoint::of(&route), &handler);
    runtime::serve(&|event, invocation| {
        async move { Ok(exchange(endpoint, B::MEDIA, event, &invocation, &|request| handle(handler, request)).await) }
            .boxed_local()
    })
    .await
}

/// Handles one request like [`run`], without the Lambda runtime. `event` is API Gateway's event and the result its response.
pub async fn respond<B, T, F>(route: &impl Endpoint, event: Value, clock: &Clock, handler: &F) -> Value
where
    B: Body,
    T: Serialize,
    F: AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
{
    let endpoint = &DynEndpoint::of(route);
    exchange(endpoint, B::MEDIA, event, &InvocationContext::outside(clock), &|request| handle(handler, request)).await
}

/// The call that the handler gets for `event`, after all checks, for tests that call a handler directly.
pub(crate) fn read<B: Body>(route: &Route, event: Value, clock: &Clock) -> Result<Call<B>, Failure> {
    let (head, sent) = open(event, &InvocationContext::outside(clock))?;
    Call::new(request::check(route, B::MEDIA, head, sent, clock)?)
}

/// A handler as a trait object, so that the rest of the runner is compiled once and not for each function.
type Handle<'a> = dyn Fn(ValidatedRequest) -> LocalBoxFuture<'a, Result<Rendered, Failure>> + 'a;

fn handle<'a, B, T, F>(handler: &'a F, request: ValidatedRequest) -> LocalBoxFuture<'a, Result<Rendered, Failure>>
where
    B: Body,
    T: Serialize,
    F: AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
{
    async move { handler(Call::new(request)?).await?.render() }.boxed_local()
}

/// An endpoint as a trait object, for the same reason.
trait BoxedEndpoint {
    fn admit<'a>(&'a self, client: &'a str, now: Timestamp) -> LocalBoxFuture<'a, Option<Admission>>;

    fn sends<'a>(&'a self, secret: &'a str) -> LocalBoxFuture<'a, Result<bool, Failure>>;

    fn refused<'a>(&'a self, call: &'a RefusedCall) -> LocalBoxFuture<'a, Result<(), Failure>>;
}

impl<E: Endpoint> BoxedEndpoint for E {
    fn admit<'a>(&'a self, client: &'a str, now: Timestamp) -> LocalBoxFuture<'a, Option<Admission>> {
        Endpoint::admit(self, client, now).boxed_local()
    }

    fn sends<'a>(&'a self, secret: &'a str) -> LocalBoxFuture<'a, Result<bool, Failure>> {
        Distribution::sends(self, secret).boxed_local()
    }

    fn refused<'a>(&'a self, call: &'a RefusedCall) -> LocalBoxFuture<'a, Result<(), Failure>> {
        Endpoint::refused(self, call).boxed_local()
    }
}

struct DynEndpoint<'a> {
    route: &'a Route,
    endpoint: &'a dyn BoxedEndpoint,
}

impl<'a> DynEndpoint<'a> {
    fn of(endpoint: &'a impl Endpoint) -> Self {
        Self { route: endpoint.route(), endpoint }
    }

    /// The decision about a request; `None` without a limit, or if it cannot be counted.
    async fn admit(&self, head: &RequestHead, clock: &Clock) -> Option<Admission> {
        let decision = async {
            let client = limit::client(head, async |secret: &str| self.endpoint.sends(secret).await).await?;
            match client {
                Some(client) => Ok(self.endpoint.admit(&client, clock.now()).await),
                None => Ok(None),
            }
        };
        catch_panic(clock, decision).await.unwrap_or_else(|failure| {
            telemetry::log_failure("rate limiter", &failure);
            limit::count_unlimited_request();
            None
        })
    }

    /// Records a call that the role of its caller does not permit. What cannot be recorded is logged.
    async fn record_refusal(&self, head: &RequestHead, clock: &Clock) {
        let Some(refused) = RefusedCall::of(self.route, head, clock) else { return };
        if let Err(failure) = catch_panic(clock, self.endpoint.refused(&refused)).await {
            telemetry::log_failure("record of a refused call", &failure);
        }
    }
}

/// The response to an event. Boxed, so that it is compiled here, and not in each function's crate.
fn exchange<'a>(
    endpoint: &'a DynEndpoint<'a>,
    media: Media,
    event: Value,
    invocation: &'a InvocationContext,
    handle: &'a Handle<'a>,
) -> LocalBoxFuture<'a, Value> {
    async move {
        let started = invocation.clock.now();
        let (head, sent) = match open(event, invocation) {
            Ok(opened) => opened,
            Err(failure) => {
                telemetry::log_failure("request", &failure);
                let trace = trace::enter(trace::IncomingTraceIds::default(), &invocation.clock.ids());
                return Envelope { trace: &trace, request_id: &invocation.request_id }
                    .response(Rendered::problem(&failure, "", &trace));
            }
        };
        let (path, trace, request_id) = (head.path.clone(), head.trace.clone(), head.request_id.clone());
        let is_get = head.method == "GET";
        let if_none_match = head.header("if-none-match").map(str::to_owned);
        let span = tracing::info_span!(
            "request",
            correlation_id = %trace.correlation_id,
            trace_id = trace.trace_id(),
            http.route = head.route_key,
        );
        async {
            let admission = endpoint.admit(&head, &invocation.clock).await;
            let checked = match admission.as_ref().and_then(limit::rejection) {
                Some(rejection) => Err(rejection),
                None => {
                    endpoint.record_refusal(&head, &invocation.clock).await;
                    request::check(endpoint.route, media, head, sent, &invocation.clock)
                }
            };
            let outcome = match checked {
                Ok(request) => catch_panic(&invocation.clock, handle(request)).await,
                Err(failure) => Err(failure),
            };
            let mut rendered = outcome.unwrap_or_else(|failure| {
                telemetry::log_failure("request", &failure);
                Rendered::problem(&failure, &path, &trace)
            });
            if is_get {
                rendered = rendered.into_get(if_none_match.as_deref());
            }
            if let Some(admission) = &admission {
                limit::add_fields(&mut rendered.headers, admission);
            }
            spans::end(&trace, rendered.status.as_u16() < 500);
            finish(&rendered, invocation.clock.millis_since(started));
            Envelope { trace: &trace, request_id: &request_id }.response(rendered)
        }
        .instrument(span)
        .await
    }
    .boxed_local()
}

/// Splits an event into head and body. Fails only if it is not an API Gateway event.
fn open(event: Value, invocation: &InvocationContext) -> Result<(RequestHead, RawContent), Failure> {
    let event: ApiGatewayV2httpRequest = serde_json::from_value(event).map_err(|cause| {
        Failure::new(FailureKind::Malformed, "malformed-request", "The request cannot be read.").with_internal(cause)
    })?;
    Ok(RequestHead::of(event, invocation))
}

/// The metric that counts a response of this status; `None` unless it is an error.
fn error_metric(status: u16) -> Option<&'static str> {
    match status {
        500.. => Some("ServerErrors"),
        400..500 => Some("ClientErrors"),
        _ => None,
    }
}

/// Logs one line for each request, whatever its result. (Some emulators also wait for a first log line.)
fn finish(rendered: &Rendered, duration_ms: f64) {
    let status = rendered.status.as_u16();
    metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
    if let Some(metric) = error_metric(status) {
        metrics::count(metric, 1);
    }
    tracing::info!(target: telemetry::SUMMARY, { http.status = status, duration_ms }, "request completed");
}
