//! Parses API Gateway's event and performs the checks that need no handler.

use super::body::{Content, Media};
use super::canonical::fingerprint;
use super::route::{KeyHandling, MAX_BODY, Route};
use crate::runtime::InvocationContext;
use crate::telemetry::spans;
use crate::{Clock, trace};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Failure, FailureKind, IdempotencyKey, Ids, Principal, Timestamp, TraceContext, Uuid};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::HeaderMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Header in which a distribution in front of API Gateway passes on the address of its client.
pub const VIEWER_ADDRESS: &str = "x-viewer-address";
/// Header with the secret that proves that a request came through the distribution.
pub const ORIGIN_SECRET: &str = "x-origin-secret";

/// A request without its body.
#[derive(Clone)]
pub(crate) struct RequestHead {
    pub method: String,
    pub path: String,
    pub route_key: String,
    pub request_id: String,
    pub source_ip: Option<String>,
    pub headers: HeaderMap,
    /// Each `name=value`.
    pub cookies: Vec<String>,
    pub path_parameters: BTreeMap<String, String>,
    pub query: QueryMap,
    pub principal: Option<Principal>,
    pub claims: BTreeMap<String, String>,
    pub trace: TraceContext,
}

impl fmt::Debug for RequestHead {
    /// Shows neither headers nor cookies, which contain credentials, nor what else the client sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = f.debug_struct("RequestHead");
        head.field("route_key", &self.route_key).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// A request that has passed all checks.
#[derive(Debug)]
pub(crate) struct ValidatedRequest {
    pub head: RequestHead,
    pub content: Content,
    pub now: Timestamp,
    pub ids: Ids,
    pub idempotency: Option<IdempotencyKey>,
}

/// The body as API Gateway sends it.
pub(crate) struct RawContent {
    body: String,
    base64: bool,
}

impl fmt::Debug for RawContent {
    /// Shows nothing of the body, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawContent").field("base64", &self.base64).finish_non_exhaustive()
    }
}

impl RequestHead {
    pub fn of(event: ApiGatewayV2httpRequest, invocation: &InvocationContext) -> (Self, RawContent) {
        let header = |name: &str| event.headers.get(name).and_then(|value| value.to_str().ok());
        let upstream = trace::IncomingTraceIds {
            correlation_id: header("x-correlation-id").and_then(|id| id.parse().ok()),
            traceparent: header("traceparent"),
            xray: invocation.xray.as_deref().or_else(|| header("x-amzn-trace-id")),
        };
        let trace = trace::enter(upstream, &invocation.clock.ids());
        spans::begin(event.route_key.as_deref().unwrap_or("request"), &trace, trace::parent(upstream));
        let query = match event.raw_query_string {
            // API Gateway's map joins repeated parameters with commas; the raw string keeps them apart.
            Some(raw) => raw.parse().unwrap_or_default(),
            None => event.query_string_parameters,
        };
        let cookies = cookies(event.cookies, &event.headers);
        let head = Self {
            cookies,
            method: event.request_context.http.method.to_string(),
            path: event.raw_path.unwrap_or_default(),
            route_key: event.route_key.unwrap_or_default(),
            principal: event.request_context.authorizer.as_ref().and_then(principal),
            claims: event.request_context.authorizer.as_ref().map(claims).unwrap_or_default(),
            request_id: event.request_context.request_id.unwrap_or_else(|| invocation.request_id.clone()),
            source_ip: event.request_context.http.source_ip,
            headers: event.headers,
            path_parameters: event.path_parameters.into_iter().collect(),
            query,
            trace,
        };
        (head, RawContent { body: event.body.unwrap_or_default(), base64: event.is_base64_encoded })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// As [`super::Call::client_address`].
    pub async fn client_address(
        &self,
        is_ours: impl AsyncFnOnce(&str) -> Result<bool, Failure>,
    ) -> Result<Option<&str>, Failure> {
        let viewer = self.header(VIEWER_ADDRESS).filter(|address| address.parse::<IpAddr>().is_ok());
        match (viewer, self.header(ORIGIN_SECRET)) {
            (Some(viewer), Some(secret)) if is_ours(secret).await? => Ok(Some(viewer)),
            _ => Ok(self.source_ip.as_deref()),
        }
    }
}

/// The cookies, which API Gateway takes out of the headers, and emulators leave there.
fn cookies(apart: Option<Vec<String>>, headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
    match apart {
        Some(cookies) if !cookies.is_empty() => cookies,
        _ => lines.flat_map(|line| line.split(';')).map(|cookie| cookie.trim().to_owned()).collect(),
    }
}

/// The claims that the authorizer returned, those of the principal among them.
fn claims(authorizer: &ApiGatewayRequestAuthorizer) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    authorizer.fields.iter().filter_map(text).collect()
}

/// The principal that the authorizer returned. A malformed authorizer context counts as anonymous.
fn principal(authorizer: &ApiGatewayRequestAuthorizer) -> Option<Principal> {
    let id = authorizer.fields.get("sub")?.as_str()?.parse::<Uuid>().ok()?;
    let role = authorizer.fields.get("role")?.as_str()?.to_owned();
    Some(Principal { id, role })
}

/// Performs all checks that need no handler, cheapest first.
pub(crate) fn check(
    route: &Route,
    media: Media,
    head: RequestHead,
    sent: RawContent,
    clock: &Clock,
) -> Result<ValidatedRequest, Failure> {
    route.access.check(head.principal.as_ref())?;
    let bytes = bytes(sent, MAX_BODY)?;
    let key = idempotency_key(route, &head)?;
    let content = Content::read(media, head.header("content-type"), bytes)?;
    let idempotency = key.map(|key| IdempotencyKey {
        scope: scope(route, head.principal.as_ref()),
        key,
        fingerprint: fingerprint(&head.path_parameters, &content),
    });
    Ok(ValidatedRequest { content, now: clock.now(), ids: clock.ids(), idempotency, head })
}

fn bytes(sent: RawContent, limit: usize) -> Result<Vec<u8>, Failure> {
    let bytes = match sent.base64 {
        false => sent.body.into_bytes(),
        true => STANDARD.decode(sent.body).map_err(|cause| {
            Failure::new(FailureKind::Malformed, "malformed-body", "The body is not valid base64.").with_internal(cause)
        })?,
    };
    match bytes.len() > limit {
        true => Err(Failure::new(
            FailureKind::TooLarge,
            "body-too-large",
            format!("The body is larger than {limit} bytes."),
        )),
        false => Ok(bytes),
    }
}

fn idempotency_key(route: &Route, head: &RequestHead) -> Result<Option<String>, Failure> {
    if route.idempotency == KeyHandling::Ignored {
        return Ok(None);
    }
    let Some(key) = head.headers.get("idempotency-key") else {
        if route.idempotency == KeyHandling::Honoured {
            return Ok(None);
        }
        let detail = "An Idempotency-Key header is required.";
        return Err(Failure::new(FailureKind::Malformed, "idempotency-key-missing", detail));
    };
    let key = key.as_bytes();
    let acceptable = (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(key) if acceptable => Ok(Some(key.to_owned())),
        _ => {
            let detail = "An Idempotency-Key must be 1 to 255 visible ASCII characters.";
            Err(Failure::new(FailureKind::Malformed, "idempotency-key-invalid", detail))
        }
    }
}

fn scope(route: &Route, principal: Option<&Principal>) -> String {
    match principal {
        Some(principal) => format!("{}:{}", principal.id, route.function),
        None => format!("public:{}", route.function),
    }
}
