//! Bounds of deliveries, batches, throttles and deployments that Terraform applies. They equal the template's where both
//! have them: `scripts/terraform parity` compares the two.

use crate::codegen::cors;
use catalog::{Function, RouteClass};
use serde_json::{Value, json};

/// Retention of a queue in seconds.
pub(super) const RETENTION_S: u32 = 4 * 86_400;
/// Retention of a dead-letter queue in seconds: the maximum of SQS.
pub(super) const DEAD_RETENTION_S: u32 = 14 * 86_400;
/// Retries of a stream's batch, or of its bisected half: Lambda's maximum, because the age is the effective limit.
pub(super) const STREAM_RETRIES: u32 = 10_000;
/// Maximum age of a stream's record in seconds: the retention of the streams.
pub(super) const STREAM_AGE_S: u32 = 24 * 3_600;
/// Retries of an `EventBridge` delivery to a target.
const RULE_RETRIES: u32 = 185;
/// Maximum age of an event that `EventBridge` delivers, in seconds.
const RULE_AGE_S: u32 = 86_400;
/// Seconds that a response of the authorizer is cached. Not at all: a cache needs the header as identity source, and API Gateway answers
/// requests without that header itself, in a format of its own (DECISIONS.md).
const AUTHORIZER_TTL_S: u32 = 0;
/// Longest timeout of an HTTP integration in milliseconds.
const MAX_INTEGRATION_MS: u32 = 30_000;
/// Longest age of an asynchronous invocation in seconds: Lambda's maximum.
const MAX_ASYNC_AGE_S: u32 = 6 * 3_600;
/// Retries of an asynchronous invocation after a function error: Lambda's maximum.
const ASYNC_RETRIES: u32 = 2;

/// Bounds of deliveries by the event bus and by schedules.
pub(super) fn deliveries() -> Value {
    json!({ "retries": RULE_RETRIES, "age_s": RULE_AGE_S })
}

/// Settings of every queue and dead-letter queue.
pub(super) fn queues() -> Value {
    json!({
        "retention_s": RETENTION_S,
        "dead_letter_retention_s": DEAD_RETENTION_S,
        "dead_letter_suffix": super::names::dead_letter_queue(""),
        "undelivered": super::names::UNDELIVERED,
    })
}

/// The alias that callers invoke, and how traffic moves to a new version.
pub(super) fn deployment() -> Value {
    json!({ "alias": "live", "canary_percent": 10, "canary_minutes": 5 })
}

/// The share of traces whose spans are logged.
pub(super) fn sampling() -> Value {
    json!({ "rate": 0.05 })
}

/// Settings of the HTTP API: the cache of the authorizer, and requests a second by class of route.
pub(super) fn api() -> Value {
    let limit = |rate: u32| json!({ "rate": rate, "burst": rate * 2 });
    json!({
        "authorizer_ttl_s": AUTHORIZER_TTL_S,
        "cors": {
            "allow_headers": cors::ALLOWED_HEADERS,
            "allow_methods": cors::methods(),
            "expose_headers": cors::EXPOSED_HEADERS,
            "max_age_s": cors::MAX_AGE_S,
        },
        "rate_limits": catalog::default_rate_limits(),
        "health_path": catalog::READY_GET.path_of(""),
        "throttle_classes": {
            RouteClass::PublicRead.name(): limit(5_000),
            RouteClass::PublicWrite.name(): limit(200),
            RouteClass::Webhook.name(): limit(1_000),
            RouteClass::Read.name(): limit(5_000),
            RouteClass::Write.name(): limit(1_000),
        },
    })
}

/// The throttle class of a route at API Gateway, where every route has one.
pub(super) fn throttle_class(function: &Function) -> &'static str {
    match function.route_class() {
        RouteClass::Unlimited => RouteClass::PublicRead,
        class => class,
    }
    .name()
}

/// Timeout of a route's integration in milliseconds.
pub(super) fn integration_ms(timeout_s: u32) -> u32 {
    (timeout_s * 1_000).min(MAX_INTEGRATION_MS)
}

/// Retries and age of the invocations by S3.
pub(super) fn by_objects() -> Value {
    json!({ "retries": ASYNC_RETRIES, "age_s": MAX_ASYNC_AGE_S })
}

/// Bounds of a scheduled invocation: it is not retried for longer than until the next one.
pub(super) fn scheduled(minutes: u32) -> Value {
    json!({ "retries": ASYNC_RETRIES, "age_s": (minutes * 60).clamp(60, MAX_ASYNC_AGE_S) })
}
