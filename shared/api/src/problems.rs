//! The problem types of the HTTP API: what each means and what a client does about it.
//!
//! `/problems/<code>` shows them, and the OpenAPI document lists them by route. A structural test compares the codes with those that
//! the code uses.

use kernel::FailureKind::{self, *};
use schemars::JsonSchema;
use serde::Serialize;

/// A problem type.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    /// Last segment of the type's URI.
    pub code: &'static str,
    /// Determines the status.
    pub kind: FailureKind,
    /// What happened, one sentence.
    pub meaning: &'static str,
    /// What a client does about it.
    pub action: &'static str,
}

/// A problem type as a response.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProblemTypeView {
    /// The URI reference that problem documents carry as `type`.
    pub r#type: String,
    /// Status of a response with this problem.
    pub status: u16,
    /// Explanation of this problem type.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

impl ProblemTypeView {
    /// The view of a problem type whose responses have `status`.
    pub fn new(problem: &Problem, status: u16) -> Self {
        Self { r#type: uri(problem.code), status, meaning: problem.meaning, action: problem.action }
    }
}

/// The `type` of a problem document.
pub fn uri(code: &str) -> String {
    format!("/problems/{code}")
}

/// Finds a problem type by its code.
pub fn find(code: &str) -> Option<&'static Problem> {
    PROBLEMS.iter().find(|problem| problem.code == code)
}

const fn problem(code: &'static str, kind: FailureKind, meaning: &'static str, action: &'static str) -> Problem {
    Problem { code, kind, meaning, action }
}

/// Every problem type, sorted by code.
pub const PROBLEMS: &[Problem] = &[
    problem("already-paid", Conflict, "The order is paid.", "Read the payment; nothing is to be done."),
    problem(
        "already-verified",
        Conflict,
        "The address or number is verified already, or the account has none.",
        "Send no further request; add or change the contact first.",
    ),
    problem(
        "backlog-full",
        Unavailable,
        "More records wait to be written than the limit allows; none of the request was accepted.",
        "Send the request again after the seconds in Retry-After, with the same key.",
    ),
    problem(
        "body-too-large",
        TooLarge,
        "The body is larger than 256 KiB.",
        "Send less at once; split a batch into several requests.",
    ),
    problem(
        "consumer-changing",
        Conflict,
        "Lambda is starting, stopping or changing an event source mapping of the consumer.",
        "Repeat the request after a minute.",
    ),
    problem(
        "consumer-not-pausable",
        Conflict,
        "The function has no event source mapping: API Gateway, S3, a schedule or an operator invokes it.",
        "Stop what invokes it.",
    ),
    problem(
        "cross-site-request",
        Forbidden,
        "The request has a credential in a cookie, or asks for one, and no page that may use it has sent it.",
        "Send X-Requested-With from a script of a page whose origin the environment lists.",
    ),
    problem(
        "duplicate-charge",
        Conflict,
        "The gateway charged an attempt in addition to another one of the payment.",
        "Staff compare the payment with the gateway and refund the charge that the payment does not name, unless that is done.",
    ),
    problem(
        "duplicate-member",
        Malformed,
        "An object of the body has a member twice, so that it says two things.",
        "Send each member once.",
    ),
    problem("email-taken", Conflict, "Another account has this e-mail address.", "Log in, or use another address."),
    problem(
        "endpoint-disabled",
        Conflict,
        "The endpoint of webhooks is disabled, so that nothing is sent to it.",
        "Enable the endpoint, then repeat the request.",
    ),
    problem(
        "event-malformed",
        Malformed,
        "The webhook is signed, and is not an event of the gateway.",
        "Compare the versions of the gateway's API.",
    ),
    problem(
        "forbidden",
        Forbidden,
        "The role of the caller does not permit the operation.",
        "Use an account with one of the roles that the route names.",
    ),
    problem(
        "history-removed",
        NotFound,
        "By its id, the order is older than the retention of events: what was recorded of it has been removed.",
        "Read the order and its payment, which stay, if there was such an order; the archive has the events.",
    ),
    problem(
        "idempotency-key-in-flight",
        Conflict,
        "A request with the same Idempotency-Key is being processed.",
        "Repeat the request after a second; it then gets the first response.",
    ),
    problem(
        "idempotency-key-invalid",
        Malformed,
        "The Idempotency-Key is empty, longer than 255 characters, or not visible ASCII.",
        "Send a UUID or another short unique text.",
    ),
    problem(
        "idempotency-key-missing",
        Malformed,
        "The route requires an Idempotency-Key.",
        "Send a new unique key for each operation, and the same key when you repeat it.",
    ),
    problem(
        "idempotency-key-reused",
        Invalid,
        "The Idempotency-Key belongs to a request with another body.",
        "Use a new key for a new operation.",
    ),
    problem(
        "if-match-invalid",
        Malformed,
        "If-Match is neither * nor a list of ETags.",
        "Send the ETag exactly as it was received, with its quotes.",
    ),
    problem(
        "if-match-missing",
        PreconditionRequired,
        "The route changes a resource only if the client names the version that it saw.",
        "Read the resource and send its ETag in If-Match.",
    ),
    problem(
        "insufficient-stock",
        Conflict,
        "Fewer units are available than requested.",
        "Read the stock and ask for less.",
    ),
    problem(
        "internal",
        Internal,
        "The service made an error; nothing is known to be wrong with the request.",
        "Repeat the request later with the same Idempotency-Key; report the trace_id if it stays.",
    ),
    problem(
        "invalid-mfa-token",
        Unauthenticated,
        "No login is to be finished with this token: it is wrong, used, expired or was tried too often.",
        "Log in with the password again.",
    ),
    problem(
        "invalid-refresh-token",
        Unauthenticated,
        "The refresh token is unknown, expired, or was used before, which ends its session; or the account lacks the second factor that its role needs.",
        "Log in.",
    ),
    problem(
        "last-admin",
        Conflict,
        "No admin would be active after the change, because another one was changed at the same time.",
        "Make another user an admin, or enable one, and repeat the request.",
    ),
    problem(
        "line-too-long",
        TooLarge,
        "A line of the file of an import is too long.",
        "Give each product a line of its own, of at most 64 KiB.",
    ),
    problem(
        "malformed-body",
        Malformed,
        "The body is not the base64 that its headers announce.",
        "Send the body again without a change on its way.",
    ),
    problem(
        "malformed-json",
        Malformed,
        "The body is missing, is not JSON, or is nested too deep.",
        "Send a JSON document in UTF-8.",
    ),
    problem(
        "malformed-request",
        Malformed,
        "The request cannot be read.",
        "Send an HTTP request as the document describes it.",
    ),
    problem(
        "method-not-allowed",
        MethodNotAllowed,
        "The resource exists, but not for this method.",
        "Use one of the methods in Allow.",
    ),
    problem(
        "mfa-enrolment-required",
        Unauthenticated,
        "The password is right, and the account needs a second factor before it may log in.",
        "Set one up with the member enrolment_token as the access token, at POST /api/v1/users/{id}/totp, and log in again.",
    ),
    problem(
        "mfa-required",
        Unauthenticated,
        "The password is right, and the account has a second factor.",
        "Send the member mfa_token with a code to POST /api/v1/users/login/mfa.",
    ),
    problem(
        "not-found",
        NotFound,
        "The resource does not exist, or belongs to somebody else.",
        "Check the id; ids are those that responses carry.",
    ),
    problem(
        "not-refundable",
        Conflict,
        "Nothing of the payment can be refunded, or less than requested.",
        "Read the payment and ask for at most what is left.",
    ),
    problem("order-closed", Conflict, "The order is cancelled; it cannot be paid any more.", "Place a new order."),
    problem(
        "order-not-cancellable",
        Conflict,
        "The order has been shipped, delivered or cancelled.",
        "Read the order; ask for a refund instead if it has been shipped.",
    ),
    problem(
        "order-not-changeable",
        Conflict,
        "The order has been shipped, delivered or cancelled, so that its address stays.",
        "Read the order; ask the carrier if it is on its way.",
    ),
    problem(
        "orders-delayed",
        Unavailable,
        "Too many orders wait for stock or payment, so that another one would wait too long.",
        "Wait for the seconds in Retry-After, then send the request again with the same Idempotency-Key.",
    ),
    problem(
        "own-account",
        Conflict,
        "Admins cannot change their own role or status, nor delete or erase their own account, so that one of them is always left.",
        "Let another admin make the change.",
    ),
    problem(
        "own-request",
        Forbidden,
        "Whoever requested a refund cannot decide on it.",
        "Ask another admin to approve or reject it.",
    ),
    problem(
        "payment-in-progress",
        Conflict,
        "The last payment attempt has no result yet, or waits for the customer's confirmation.",
        "Read the payment, and continue with its next_action if it has one.",
    ),
    problem(
        "precondition-failed",
        PreconditionFailed,
        "The resource has changed since the version in If-Match.",
        "Read the resource again and decide again.",
    ),
    problem(
        "price-changed",
        Conflict,
        "A product has another price than the expected_unit_price of the request. Nothing was ordered.",
        "Show the prices in the response to the customer and ask again with a new Idempotency-Key.",
    ),
    problem("push-not-configured", Conflict, "The environment sends no push notifications.", "Use another channel."),
    problem(
        "queue-not-redrivable",
        Conflict,
        "The consumer reads a stream or a bucket: there is nothing that its dead letters could go back to.",
        "Fix the cause of the failure. The stream or the bucket delivers the records again while it keeps them.",
    ),
    problem(
        "rate-limited",
        RateLimited,
        "The client has made too many requests. The fields RateLimit-Policy and RateLimit name the limits and what is left of them.",
        "Wait for the seconds in Retry-After, and space out the requests.",
    ),
    problem(
        "refund-decided",
        Conflict,
        "Somebody has approved or rejected the refund.",
        "Read the payment; its refund approvals say who decided and what.",
    ),
    problem(
        "refund-exceeds-charge",
        Unavailable,
        "The gateway made a refund after another one was returned, and the return is not recorded yet.",
        "Nothing: the gateway's reports are read again.",
    ),
    problem("route-not-found", NotFound, "No route has this path.", "Check the path; it has no slash at its end."),
    problem(
        "schema-breaking",
        Conflict,
        "The new version of the schema refuses records that the source has.",
        "Correct the schema, or set breaking to true if the records to come are meant to be others.",
    ),
    problem(
        "signature-invalid",
        Unauthenticated,
        "The signature of the webhook is missing, wrong or too old.",
        "Compare the secret of the endpoint with that of the gateway, and the clocks.",
    ),
    problem(
        "sku-repeated",
        Conflict,
        "An earlier line of the file of an import has this SKU.",
        "Give each product one line.",
    ),
    problem("sku-taken", Conflict, "Another product has this SKU, or had it.", "Use another SKU."),
    problem(
        "source-closed",
        Conflict,
        "The source is closed and takes no more records.",
        "Send the records to another source. Those that it has can be read.",
    ),
    problem("source-exists", Conflict, "There is a source of this name.", "Use another name."),
    problem(
        "too-many-attempts",
        Conflict,
        "The order has reached its limit of payment attempts.",
        "Place a new order.",
    ),
    problem("too-many-images", Conflict, "The product has as many images as it may have.", "Delete one of them first."),
    problem(
        "too-many-logins",
        RateLimited,
        "Too many logins of this name or from this address failed, or too many codes of the account's device were wrong.",
        "Wait for the seconds in Retry-After. A recovery code is accepted while only codes of the device are refused.",
    ),
    problem(
        "too-many-payment-attempts",
        RateLimited,
        "Too many payments of this customer failed within an hour.",
        "Wait for the seconds in Retry-After; do not try further cards.",
    ),
    problem(
        "too-many-payment-methods",
        Conflict,
        "The customer has as many saved payment methods as are allowed.",
        "Delete one of them first.",
    ),
    problem(
        "too-many-registrations",
        RateLimited,
        "Too many accounts were registered from this address within an hour.",
        "Wait for the seconds in Retry-After.",
    ),
    problem(
        "too-many-unpaid-orders",
        Conflict,
        "The customer has too many orders that are not paid.",
        "Pay or cancel one of them first.",
    ),
    problem(
        "too-many-unpaid-units",
        Conflict,
        "The customer's unpaid orders reserve too many units.",
        "Pay or cancel one of them first, or order less.",
    ),
    problem(
        "too-many-verifications",
        RateLimited,
        "Too many verification messages were requested.",
        "Use the last message, or wait for the seconds in Retry-After.",
    ),
    problem("totp-active", Conflict, "The account has a second factor.", "Remove it first, to set up another one."),
    problem(
        "transition-forbidden",
        Conflict,
        "The order's status does not permit the change.",
        "Read the order; its status decides what can follow.",
    ),
    problem(
        "unauthenticated",
        Unauthenticated,
        "The access token is missing, expired or revoked.",
        "Log in, or refresh the token.",
    ),
    problem(
        "unavailable",
        Unavailable,
        "A dependency is down. Nothing was changed, or the repetition finds what was.",
        "Repeat the request after Retry-After with the same Idempotency-Key.",
    ),
    problem(
        "unstorable-value",
        Invalid,
        "A value of the request cannot be represented in the database, and no rule of the API had refused it.",
        "Send another value, without NUL and with times in the range of the documentation; report the trace_id.",
    ),
    problem(
        "unsupported-media-type",
        UnsupportedMedia,
        "The body has another media type than the route accepts.",
        "Send Content-Type: application/json.",
    ),
    problem("username-taken", Conflict, "Another account has this username.", "Use another username."),
    problem(
        "validation",
        Invalid,
        "Members of the body or parameters are invalid; errors names each of them.",
        "Correct what errors names.",
    ),
    problem(
        "wrong-code",
        Unauthenticated,
        "The code of the second factor is wrong or was used already.",
        "Ask for the code that the device shows now, or for a recovery code.",
    ),
    problem(
        "wrong-credentials",
        Unauthenticated,
        "No account has this name and this password.",
        "Ask for the password again, or reset it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(PROBLEMS.is_sorted_by(|one, next| one.code < next.code));
    }
}
