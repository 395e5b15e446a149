//! RFC 9457 problem documents, and the mapping from kinds of failure to HTTP statuses.

use kernel::{Failure, FailureKind, FieldError, TraceContext};
use lambda_http::http::StatusCode;
use serde::{Serialize, Serializer};
use serde_json::Value;

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
    #[serde(flatten)]
    member: Option<Member<'a>>,
}

/// A member of one kind of problem (RFC 9457, section 3.2).
struct Member<'a>(&'a (&'static str, Value));

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, value) = self.0;
        serializer.collect_map([(name, value)])
    }
}

/// Status and problem document of `failure`, without its internal cause.
pub(crate) fn document(failure: &Failure, instance: &str, trace: &TraceContext) -> (StatusCode, String) {
    let (status, title) = status_and_title(failure.kind);
    // Which internal error it is concerns the log alone.
    let code = if failure.kind == FailureKind::Internal { "internal" } else { failure.code };
    let problem = Problem {
        r#type: format!("/problems/{code}"),
        title,
        status: status.as_u16(),
        detail: &failure.detail,
        instance,
        trace_id: trace.trace_id().map_or_else(|| trace.correlation_id.to_string(), str::to_owned),
        errors: &failure.fields,
        member: failure.member.as_deref().map(Member),
    };
    // Strings and numbers always serialize; otherwise the status is still correct.
    (status, serde_json::to_string(&problem).unwrap_or_default())
}

/// The HTTP status of a failure.
pub fn status(kind: FailureKind) -> u16 {
    status_and_title(kind).0.as_u16()
}

/// The `title` of the problem document of a failure.
pub fn title(kind: FailureKind) -> &'static str {
    status_and_title(kind).1
}

fn status_and_title(kind: FailureKind) -> (StatusCode, &'static str) {
    match kind {
        FailureKind::Malformed => (StatusCode::BAD_REQUEST, "Malformed request"),
        FailureKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        FailureKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        FailureKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        FailureKind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        FailureKind::Conflict => (StatusCode::CONFLICT, "Conflict with the current state"),
        FailureKind::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "Precondition failed"),
        FailureKind::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "Precondition required"),
        FailureKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
        FailureKind::UnsupportedMedia => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
        FailureKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Not acceptable"),
        FailureKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        FailureKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        FailureKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    }
}
