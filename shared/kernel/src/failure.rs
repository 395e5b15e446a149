//! The one error path of the house: rejections of the domain and failures of ports both become a [`Failure`].
//!
//! What a client may read (`code`, `detail`, `fields`) and what an operator needs (`internal`) are separate fields, so that
//! internals cannot leak by accident. Status codes are known to `edge` alone.

use std::fmt;

/// What went wrong, in terms that an HTTP runner maps to a status and a queue runner to retry or dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request cannot be read at all (not JSON, a missing header).
    Malformed,
    /// There is no proof of who calls.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or none that this caller may see.
    NotFound,
    /// The state of the resource does not allow this now.
    Conflict,
    /// `If-Match` named another version.
    PreconditionFailed,
    /// `If-Match` was required and absent.
    PreconditionRequired,
    /// The body is larger than the limit.
    TooLarge,
    /// The body is not of a type that the route takes.
    UnsupportedMedia,
    /// The request was read and a field of it is not acceptable.
    Invalid,
    /// The account is locked.
    Locked,
    /// The caller is over its rate; the same request is welcome later.
    RateLimited,
    /// A defect of ours. Retrying may help; looking into it certainly does.
    Internal,
    /// A part that we need does not answer. Retrying helps.
    Unavailable,
}

/// One field that was not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or the name of a query parameter behind `?`.
    pub pointer: String,
    /// What is wrong with it, for the person who sent it.
    pub detail: String,
}

/// Why something did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of the failure.
    pub kind: FailureKind,
    /// Stable slug, used as `/problems/<code>`: lower case words joined by hyphens.
    pub code: &'static str,
    /// A sentence for the client.
    pub detail: String,
    /// The fields at fault, if fields are at fault.
    pub fields: Vec<FieldError>,
    /// Seconds after which the client may try again.
    pub retry_after_s: Option<u32>,
    /// For the log only; never part of an answer.
    pub internal: Option<String>,
}

impl Failure {
    /// A failure that the client may read in full.
    pub fn new(kind: FailureKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), fields: Vec::new(), retry_after_s: None, internal: None }
    }

    /// One field of the body is not acceptable; `pointer` is a JSON pointer.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// Several fields are not acceptable.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{} {}", one.pointer, one.detail),
            many => format!("{} fields are not acceptable", many.len()),
        };
        Self { fields, ..Self::new(FailureKind::Invalid, "validation", detail) }
    }

    /// No such `what`, or none that the caller may see.
    pub fn not_found(what: &str) -> Self {
        Self::new(FailureKind::NotFound, "not-found", format!("There is no such {what}."))
    }

    /// A part we need does not answer. `part` is told to the client in general terms only, `cause` to the log.
    pub fn unavailable(dependency: &'static str, cause: impl fmt::Display) -> Self {
        Self {
            retry_after_s: Some(2),
            internal: Some(format!("{dependency}: {cause}")),
            ..Self::new(
                FailureKind::Unavailable,
                "unavailable",
                "A part of the service does not answer; please try again.",
            )
        }
    }

    /// A defect of ours. `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            internal: Some(cause.to_string()),
            ..Self::new(FailureKind::Internal, "internal", "Something went wrong on our side.")
        }
    }

    /// Says more to the log, and to the log only.
    #[must_use]
    pub fn with_internal(mut self, cause: impl fmt::Display) -> Self {
        self.internal = Some(cause.to_string());
        self
    }

    /// Whether doing the same again later can succeed. A queue runner retries these and dead-letters all others.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, FailureKind::Unavailable | FailureKind::Internal | FailureKind::RateLimited)
    }
}

impl fmt::Display for Failure {
    /// The whole story, for logs: never send it to a client.
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
    fn internals_are_told_to_the_log_and_not_to_the_client() {
        let failure = Failure::unavailable("database", "connection refused at 10.0.0.7");
        assert!(!failure.detail.contains("10.0.0.7"));
        assert!(failure.to_string().contains("10.0.0.7"));
    }

    #[test]
    fn only_what_may_pass_by_itself_is_retried() {
        assert!(Failure::unavailable("bus", "x").is_retryable());
        assert!(Failure::internal("x").is_retryable());
        assert!(!Failure::field("/sku", "is empty").is_retryable());
        assert!(!Failure::not_found("order").is_retryable());
    }
}
