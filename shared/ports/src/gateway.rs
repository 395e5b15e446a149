//! Ports of the payment gateway, and the codes of its failures.

use domain::{
    Money,
    id::PaymentId,
    ledger::GatewayStatement,
    payment::{ChargeOutcome, Payment, Refund, RefundOutcome, ReportedDispute, ReportedRefund},
};
use kernel::{Failure, FailureKind, Timestamp, Uuid};

/// The gateway cannot process the request now: our API key is being rotated, the same request is in progress, or the rate limit is
/// exceeded.
pub const GATEWAY_RETRY_LATER: &str = "gateway-retry-later";
/// The gateway has started to process the request and has no result yet.
pub const GATEWAY_PENDING: &str = "gateway-pending";
/// There are too many charges to look for one among them.
pub const GATEWAY_LIST_TOO_LONG: &str = "gateway-list-too-long";
/// The gateway replays a server error that it stored for the idempotency key, or has used the key with other parameters. Repeating the request
/// returns it again; only a lookup finds the result.
pub const GATEWAY_REPLAYED_ERROR: &str = "gateway-replayed-error";

/// Whether the gateway did not respond, or responded with a new server error.
pub fn is_unreachable(failure: &Failure) -> bool {
    let responses = [GATEWAY_RETRY_LATER, GATEWAY_PENDING, GATEWAY_LIST_TOO_LONG, GATEWAY_REPLAYED_ERROR];
    failure.kind == FailureKind::Unavailable && !responses.contains(&failure.code)
}

/// Makes charges and refunds at the payment gateway, and looks up their results.
///
/// A gateway that does not respond, or responds with a server error, is `Unavailable`. So is a response that leaves the result open;
/// its code is one of [`GATEWAY_RETRY_LATER`], [`GATEWAY_PENDING`], [`GATEWAY_LIST_TOO_LONG`] and [`GATEWAY_REPLAYED_ERROR`].
pub trait Gateway {
    /// Charges the last attempt, at most once per idempotency key.
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure>;

    /// Cancels what earlier attempts of the payment left open, so that the customer cannot consent to them any more. They are searched
    /// for: one that the search does not show yet stays open, and one that is charged meanwhile stays charged.
    async fn cancel_earlier_attempts(&self, payment: &Payment) -> Result<(), Failure>;

    /// Makes a refund, at most once per idempotency key.
    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure>;

    /// Searches for the result of the last attempt without changing anything: one request. `None` proves nothing: the gateway's search
    /// lags by a minute, and by more during an incident.
    async fn search_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure>;

    /// Makes sure that the last attempt is never charged, if the gateway has not received it: takes its idempotency key, in two
    /// requests at any number of charges. Whether the key is taken; `false` if the gateway has received the attempt.
    async fn withdraw_charge(&self, payment: &Payment) -> Result<bool, Failure>;

    /// As [`Gateway::search_charge`], among all charges since the attempt began, until [`Payment::requested_until`]: many requests. `None`
    /// if the gateway never received the attempt, or received it and did not charge. `Unavailable`, code [`GATEWAY_LIST_TOO_LONG`], if
    /// there are too many charges to search.
    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure>;

    /// Looks up the result of a refund among all refunds of its charge, without changing anything.
    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure>;

    /// All refunds of a charge that are made or failed, whoever requested them, by the gateway's id of the charge.
    async fn refunds_of(&self, charge: &str) -> Result<Vec<ReportedRefund>, Failure>;

    /// The payment that a charge is of, by the gateway's id of the charge; `None` if the gateway does not know the charge, names no payment, or
    /// not this environment.
    async fn payment_of(&self, charge: &str) -> Result<Option<PaymentId>, Failure>;

    /// Refunds what is left of a charge that no payment has recorded, by the gateway's id of the charge: at most once per charge.
    async fn refund_unrecorded_charge(&self, charge: &str, left: Money) -> Result<RefundOutcome, Failure>;

    /// A page of the charges and refunds in `[from, to)` according to the gateway's own ledger: the first, or the one after a cursor.
    async fn balance_transactions(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<GatewayStatement, Failure>;
}

/// What the gateway reports by webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// Derived from the gateway's event id: a redelivery has the same id.
    pub id: Uuid,
    pub report: GatewayReport,
}

/// The content of a [`GatewayEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayReport {
    /// The result of an attempt.
    Charge { payment_id: PaymentId, attempt: u32, outcome: ChargeOutcome },
    /// Refunds of a charge were made or failed, whoever requested them.
    Refunds {
        /// The gateway's id of the charge.
        charge: String,
        /// `None` if the event names the charge only.
        payment_id: Option<PaymentId>,
        /// `None` if the event does not say which; the gateway has to be asked.
        refunds: Option<Vec<ReportedRefund>>,
    },
    /// A dispute was opened, changed or closed.
    Dispute(ReportedDispute),
}

/// Verifies and parses webhooks of the gateway.
pub trait WebhookVerifier {
    /// Verifies the signature and parses the event. `None` for a genuine event that is not processed, which is counted: its type is
    /// unknown, it has no content, or this version of the code cannot read it. A missing or wrong signature, or one that is more
    /// than five minutes from `now`, is `Unauthenticated`, code `signature-invalid`; a body that is not JSON is `Malformed`.
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure>;
}

/// Circuit breaker in front of the gateway, shared by all its callers. It fails open: while its state cannot be read, it allows every
/// call.
pub trait CircuitBreaker {
    /// Whether the gateway may be called now; `Unavailable`, with the seconds to wait, if the circuit is open.
    async fn check(&self, now: Timestamp) -> Result<(), Failure>;

    /// Records whether the gateway responded. Returns the details if this opened the circuit.
    async fn record(&self, responded: bool, now: Timestamp) -> Option<CircuitOpened>;
}

/// A circuit that has just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitOpened {
    /// Consecutive failures.
    pub failures: u32,
    /// The circuit stays open until then.
    pub until: Timestamp,
}
