//! The error type of the project: domain rejections and port errors both become a [`Failure`].
//!
//! What a client may see (`code`, `detail`, `fields`) and what is logged (`internal`) are separate fields, so that internals
//! cannot leak by accident. Only `edge` maps failures to HTTP status codes.

use std::fmt;

/// The class of a failure: mapped to a status code for HTTP, and to a retry or the dead-letter queue for queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request cannot be parsed: it is not JSON, or lacks a required header.
    Malformed,
    /// The caller's credentials are missing or invalid.
    Unauthenticated,
    /// The caller is authenticated but not permitted.
    Forbidden,
    /// The resource does not exist or is not visible to the caller.
    NotFound,
    /// The resource exists, and the method does not apply to it.
    MethodNotAllowed,
    /// The request conflicts with the state of the resource.
    Conflict,
    /// `If-Match` does not match the current version.
    PreconditionFailed,
    /// `If-Match` is required and missing.
    PreconditionRequired,
    /// The body exceeds the size limit.
    TooLarge,
    /// The route does not accept this content type.
    UnsupportedMedia,
    /// A field of the request is invalid.
    Invalid,
    /// The caller exceeded its rate limit; the request may be retried later.
    RateLimited,
    /// A bug or a corrupted record. Retryable, but needs investigation.
    Internal,
    /// A dependency is unavailable. Retryable.
    Unavailable,
}

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, empty for the body as a whole, or `?` and the name of a query parameter.
    pub pointer: String,
    /// Reason, written for the client, to follow the name of the field.
    pub detail: String,
}

/// An error with separate texts for the client and for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of the failure.
    pub kind: FailureKind,
    /// Stable identifier in kebab case, part of the problem type `/problems/<code>`.
    pub code: &'static str,
    /// Explanation for the client, one sentence.
    pub detail: String,
    /// The invalid fields, if any.
    pub fields: Vec<FieldError>,
    /// Seconds after which the client may retry (`Retry-After`).
    pub retry_after_s: Option<u32>,
    /// One more member of the problem document, by its name: what a program needs to act on the failure. Boxed, since few failures have it.
    pub member: Option<Box<(&'static str, serde_json::Value)>>,
    /// Cause for the log; never part of a response.
    pub internal: Option<String>,
}

impl Failure {
    /// Creates a failure without internal details.
    pub fn new(kind: FailureKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after_s: None,
            member: None,
            internal: None,
        }
    }

    /// Creates an [`Invalid`](FailureKind::Invalid) failure for one field; see [`FieldError::pointer`].
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// Creates an [`Invalid`](FailureKind::Invalid) failure for several fields.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] if one.pointer.is_empty() => format!("The document {}", one.detail),
            [one] => format!("{} {}", one.pointer, one.detail),
            many => format!("{} fields are invalid", many.len()),
        };
        Self { fields, ..Self::new(FailureKind::Invalid, "validation", detail) }
    }

    /// Creates a [`NotFound`](FailureKind::NotFound) failure for a resource of type `what`.
    pub fn not_found(what: &str) -> Self {
        Self::new(FailureKind::NotFound, "not-found", format!("There is no such {what}."))
    }

    /// Creates an [`Unavailable`](FailureKind::Unavailable) failure. `dependency` and `cause` are only logged.
    pub fn unavailable(dependency: &'static str, cause: impl fmt::Display) -> Self {
        Self {
            retry_after_s: Some(2),
            internal: Some(format!("{dependency}: {cause}")),
            ..Self::new(
                FailureKind::Unavailable,
                "unavailable",
                "A dependency of the service is unavailable; please try again.",
            )
        }
    }

    /// Creates an [`Internal`](FailureKind::Internal) failure. `cause` is only logged.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            internal: Some(cause.to_string()),
            ..Self::new(FailureKind::Internal, "internal", "An internal error occurred.")
        }
    }

    /// Sets the cause for the log.
    #[must_use]
    pub fn with_internal(mut self, cause: impl fmt::Display) -> Self {
        self.internal = Some(cause.to_string());
        self
    }

    /// Sets the additional member of the problem document.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.member = Some(Box::new((name, value)));
        self
    }

    /// Whether a retry can succeed. Queue runners retry these failures and dead-letter all others.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, FailureKind::Unavailable | FailureKind::Internal | FailureKind::RateLimited)
    }
}

impl fmt::Display for Failure {
    /// Includes the internal cause; for logs only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        match &self.internal {
            Some(internal) => write!(f, " ({internal})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_cause_is_logged_and_not_in_the_detail() {
        let failure = Failure::unavailable("database", "connection refused at 10.0.0.7");
        assert!(!failure.detail.contains("10.0.0.7"));
        assert!(failure.to_string().contains("10.0.0.7"));
    }

    #[test]
    fn detail_begins_with_the_field_or_with_the_document() {
        assert_eq!(Failure::field("/sku", "is empty").detail, "/sku is empty");
        assert_eq!(Failure::field("", "must be an object").detail, "The document must be an object");
    }

    #[test]
    fn only_transient_failures_are_retryable() {
        assert!(Failure::unavailable("bus", "x").is_retryable());
        assert!(Failure::internal("x").is_retryable());
        assert!(!Failure::field("/sku", "is empty").is_retryable());
        assert!(!Failure::not_found("order").is_retryable());
    }
}
