//! The runner for a Lambda authorizer of an HTTP API: REQUEST type, payload format 2.0, simple responses.
//!
//! It identifies the caller and denies no request, because the body of a response to a denied request cannot be customized and clients
//! expect problem documents. A request without a principal reaches its route, where [`crate::http`] responds with 401 before the
//! handler runs. If the authorizer cannot identify the caller because a dependency is unavailable, it fails and API Gateway responds
//! with 500.

use crate::catch_panic::catch_panic;
use crate::http::Principal;
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::telemetry::metrics;
use crate::{Clock, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use tracing::Instrument;

/// A request to be authorized.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthRequest {
    /// The bearer token, if the request carries one.
    pub token: Option<String>,
    /// Route key, such as `GET /orders/{id}`.
    pub route: String,
    /// When the request arrived. Handlers use this instead of the system clock.
    pub now: Timestamp,
}

impl fmt::Debug for AuthRequest {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("AuthRequest")
            .field("token", &token)
            .field("route", &self.route)
            .field("now", &self.now)
            .finish()
    }
}

/// The identity of an authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Subject and role, which routes receive as [`Principal`].
    pub principal: Principal,
    /// Further values for routes, such as the token's id or scopes. `sub` and `role` are overwritten by the principal.
    pub claims: BTreeMap<String, String>,
}

impl From<Principal> for Grant {
    fn from(principal: Principal) -> Self {
        Self { principal, claims: BTreeMap::new() }
    }
}

/// Runs the authorizer. `handler` returns the identity of the caller, or `None` for an anonymous request.
pub async fn run<F>(handler: F) -> Result<(), Error>
where
    F: AsyncFn(AuthRequest) -> Result<Option<Grant>, Failure>,
{
    let handler = &handler;
    runtime::serve(&|event, invocation| {
        async move { work(event, &invocation, &|request| handler(request).boxed_local()).await }.boxed_local()
    })
    .await
}

/// Authorizes one request like [`run`], without the Lambda runtime. `event` and the result are API Gateway's JSON.
pub async fn decide<F>(event: Value, clock: &Clock, handler: &F) -> Result<Value, FunctionError>
where
    F: AsyncFn(AuthRequest) -> Result<Option<Grant>, Failure>,
{
    work(event, &InvocationContext::outside(clock), &|request| handler(request).boxed_local()).await
}

/// The members of the authorizer event that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent {
    #[serde(default)]
    route_key: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

type Handle<'a> = dyn Fn(AuthRequest) -> LocalBoxFuture<'a, Result<Option<Grant>, Failure>> + 'a;

async fn work(event: Value, invocation: &InvocationContext, handle: &Handle<'_>) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    let AuthorizerEvent { route_key, headers } =
        serde_json::from_value(event).map_err(|cause| FunctionError::not_an_event_of("an authorizer", cause))?;
    let request = AuthRequest { token: bearer(&headers), route: route_key.clone(), now: started };
    let span = tracing::info_span!("authorization", http.route = route_key);
    async {
        let grant = catch_panic(&invocation.clock, handle(request)).await;
        let duration_ms = invocation.clock.millis_since(started);
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        match grant {
            Ok(grant) => {
                let authenticated = grant.is_some();
                tracing::info!(target: telemetry::SUMMARY, authenticated, duration_ms, "request authorized");
                Ok(response(grant))
            }
            Err(failure) => {
                telemetry::log_failure("authorization", &failure);
                Err(FunctionError::from(&failure))
            }
        }
    }
    .instrument(span)
    .await
}

/// The token of `Authorization: Bearer …`. Header name and scheme are case-insensitive.
fn bearer(headers: &BTreeMap<String, String>) -> Option<String> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

fn response(grant: Option<Grant>) -> Value {
    let Some(Grant { principal, claims }) = grant else { return json!({ "isAuthorized": true, "context": {} }) };
    let mut context: Map<String, Value> = claims.into_iter().map(|(name, claim)| (name, claim.into())).collect();
    // Inserted last, so that a claim of the same name cannot replace them.
    context.insert("sub".to_owned(), principal.id.to_string().into());
    context.insert("role".to_owned(), principal.role.into());
    json!({ "isAuthorized": true, "context": context })
}
