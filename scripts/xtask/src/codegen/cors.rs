//! What browsers of other origins may send and read: one list for the template and Terraform. The origins are a deployment input.

use catalog::{FUNCTIONS, Trigger};
use std::collections::BTreeSet;

/// Request headers that a page may set.
pub const ALLOWED_HEADERS: [&str; 8] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-correlation-id",
    "x-requested-with",
];

/// Response headers that a page may read, beside those that every page may.
pub const EXPOSED_HEADERS: [&str; 9] = [
    "allow",
    "etag",
    "idempotent-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-correlation-id",
    "x-request-id",
];

/// Seconds for which a browser remembers the answer to a preflight.
pub const MAX_AGE_S: u32 = 600;

/// The methods of all routes.
pub fn methods() -> BTreeSet<&'static str> {
    let method = |function: &&catalog::Function| match function.trigger {
        Trigger::Http { method, .. } => Some(method.name()),
        _ => None,
    };
    FUNCTIONS.iter().filter_map(method).collect()
}
