//! The runner for a Lambda authorizer of an HTTP API: REQUEST type, payload format 2.0, simple responses.
//!
//! It says who calls and refuses nobody: an HTTP API's own refusals cannot be shaped, and clients were promised problem documents. A
//! request without a principal reaches its route, where [`crate::http`] answers 401 before any handler runs. Not being able to tell
//! is an error, and the gateway turns that into 500: an authorizer that cannot reach what it needs names nobody, and says so.

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
use tracing::Instrument;

/// A request that wants to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRequest {
    /// The bearer token, where there is one.
    pub token: Option<String>,
    /// The route's key, `GET /orders/{id}` for instance.
    pub route: String,
    /// When the request came in; the only time that a handler knows.
    pub now: Timestamp,
}

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Subject and role, which the routes see.
    pub principal: Principal,
    /// What else the routes may see: the token's id, its scopes. Not `sub` or `role`.
    pub claims: BTreeMap<String, String>,
}

impl From<Principal> for Grant {
    fn from(principal: Principal) -> Self {
        Self { principal, claims: BTreeMap::new() }
    }
}

/// Serves the authorizer with `handler`, which says who the caller is, or that it is nobody.
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

/// Decides about one request: all that [`run`] does, without the Lambda runtime.
pub async fn decide<F>(event: Value, clock: &Clock, handler: &F) -> Result<Value, FunctionError>
where
    F: AsyncFn(AuthRequest) -> Result<Option<Grant>, Failure>,
{
    work(event, &InvocationContext::outside(clock), &|request| handler(request).boxed_local()).await
}

/// The gateway's question, as far as we need it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    route_key: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

type Handle<'a> = dyn Fn(AuthRequest) -> LocalBoxFuture<'a, Result<Option<Grant>, Failure>> + 'a;

async fn work(event: Value, invocation: &InvocationContext, handle: &Handle<'_>) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    let Question { route_key, headers } =
        serde_json::from_value(event).map_err(|cause| FunctionError::not_an_event_of("an authorizer", cause))?;
    let request = AuthRequest { token: bearer(&headers), route: route_key.clone(), now: started };
    let span = tracing::info_span!("authorization", http.route = route_key);
    async {
        let decided = catch_panic(&invocation.clock, handle(request)).await;
        let duration_ms = invocation.clock.millis_since(started);
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        match decided {
            Ok(grant) => {
                tracing::info!(granted = grant.is_some(), duration_ms, "authorization decided");
                Ok(answer(grant))
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

/// The token of `Authorization: Bearer …`; the scheme's case does not matter, nor the header's.
fn bearer(headers: &BTreeMap<String, String>) -> Option<String> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

fn answer(grant: Option<Grant>) -> Value {
    let Some(Grant { principal, claims }) = grant else { return json!({ "isAuthorized": true, "context": {} }) };
    let mut context: Map<String, Value> = claims.into_iter().map(|(name, claim)| (name, claim.into())).collect();
    // Last, so that no claim can pass for one of these.
    context.insert("sub".to_owned(), principal.id.to_string().into());
    context.insert("role".to_owned(), principal.role.into());
    json!({ "isAuthorized": true, "context": context })
}
