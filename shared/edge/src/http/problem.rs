//! RFC 9457 problem documents, and the one table from kinds of failure to HTTP statuses.

use kernel::{Failure, FieldError, Kind, Trace};
use lambda_http::http::StatusCode;
use serde::Serialize;

/// Media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    trace_id: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The document that tells a client of `failure`. What is internal stays out of it.
pub(crate) fn document(failure: &Failure, instance: &str, trace: &Trace) -> (StatusCode, String) {
    let (status, title) = status(failure.kind);
    let problem = Problem {
        r#type: format!("/problems/{}", failure.code),
        title,
        status: status.as_u16(),
        detail: &failure.detail,
        instance,
        trace_id: trace.trace_id().map_or_else(|| trace.correlation_id.to_string(), str::to_owned),
        errors: &failure.fields,
    };
    // Strings and numbers always serialize; should that ever change, the status still says what happened.
    (status, serde_json::to_string(&problem).unwrap_or_default())
}

fn status(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::Malformed => (StatusCode::BAD_REQUEST, "Malformed request"),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Kind::Conflict => (StatusCode::CONFLICT, "Conflict with the current state"),
        Kind::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "Precondition failed"),
        Kind::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "Precondition required"),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
        Kind::UnsupportedMedia => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Not acceptable"),
        Kind::Locked => (StatusCode::LOCKED, "Locked"),
        Kind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    }
}
