//! Ports of payments and invoices.

use crate::{Claim, TransitionOutcome};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    invoice::{Draft, Invoice},
    ledger::{GatewayStatement, Transfer},
    payment::{Change, ChargeOutcome, Payment, Refund, RefundOutcome},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};

/// Payments. A payment is read, the domain decides, and the step is kept if the payment still is what was read.
pub trait PaymentStore {
    /// Begins the payment of an order, or finds the one that there is: one per order.
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure>;

    /// One payment; with `owner`, only if it is theirs.
    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// The payment of an order; with `owner`, only if it is theirs.
    async fn find_by_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// Keeps the step from version `change.payment.version - 1`, with its transfers, its events and the claim, if there is one.
    async fn advance(
        &self,
        claim: Option<Claim>,
        change: &Change,
        events: &[Event],
    ) -> Result<TransitionOutcome, Failure>;

    /// As `advance`, with the answer to the request that asked for it; failures of the key as for [`crate::OrderStore::place`].
    /// `None` when another step was faster.
    async fn advance_with_reply(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        change: &Change,
        events: &[Event],
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Keeps a refusal as the answer to a request, so that its repetition gets the same one.
    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// Keeps an event that goes with no step.
    async fn record_event(&self, event: &Event) -> Result<(), Failure>;

    /// Up to `limit` payments that are to be looked after before `before`, those that wait longest first; with `after`, those behind
    /// it in this order.
    async fn due_for_reconciliation(
        &self,
        before: Timestamp,
        after: Option<&Payment>,
        limit: u32,
    ) -> Result<Vec<Payment>, Failure>;
}

/// The ledger.
pub trait Ledger {
    /// What was booked in `[from, to)`, oldest first.
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Transfer>, Failure>;

    /// Books what is not booked yet, with an event about it.
    async fn post(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure>;
}

/// The payment gateway. No answer, or a fault on its side, is `Unavailable`; and so is what it answers without saying what became of
/// the matter, with one of these codes: [`crate::GATEWAY_RETRY_LATER`], [`crate::GATEWAY_PENDING`], [`crate::GATEWAY_REPLAYED_ERROR`].
pub trait Gateway {
    /// Charges for the last attempt, at most once a key.
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure>;

    /// Gives money back, at most once a key.
    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure>;

    /// What became of the last attempt, for whoever does not know whether it was asked for; nothing, where the gateway never heard
    /// of it or began it and never came to charge. It changes nothing. What was asked for within the last minute may be missing.
    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure>;

    /// What became of a refund; as [`Gateway::find_charge`], and without its delay.
    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure>;

    /// Charges and refunds of `[from, to)`, as the gateway's own ledger has them.
    async fn movements(&self, from: Timestamp, to: Timestamp) -> Result<GatewayStatement, Failure>;
}

/// What the gateway tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// Its id, from the gateway's own: the same news has the same id, however often it comes.
    pub id: Uuid,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Of which attempt.
    pub attempt: u32,
    /// What became of it.
    pub answer: ChargeOutcome,
}

/// Reads what the gateway tells by itself.
pub trait WebhookVerifier {
    /// `None` for what is genuine and no news for us. What is not signed by the gateway, or was signed more than five minutes from
    /// `now`, is `Unauthenticated`, code `signature-invalid`; what cannot be read is `Malformed`.
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure>;
}

/// A circuit breaker before the gateway, shared by all who ask it. It is never in the way by its own fault: where its state cannot be
/// read, it lets everybody through.
pub trait CircuitBreaker {
    /// Whether the gateway may be asked now; if not, `Unavailable`, with the seconds to wait.
    async fn check(&self, now: Timestamp) -> Result<(), Failure>;

    /// Tells how it went: whether the gateway answered. Where that opens the circuit, until when, and after how many failures.
    async fn record(&self, answered: bool, now: Timestamp) -> Option<CircuitOpened>;
}

/// A circuit that has just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitOpened {
    /// Failures in a row.
    pub failures: u32,
    /// Until when nobody asks.
    pub until: Timestamp,
}

/// Invoices.
pub trait InvoiceStore {
    /// Gives the order's invoice its number, the next of its series without a gap, or finds the one it has. Keeps `event(number)`
    /// with it.
    async fn assign_number(
        &self,
        claim: Claim,
        draft: &Draft,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure>;

    /// The invoice of an order; with `owner`, only if it is theirs.
    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure>;
}

/// Documents that are written once.
pub trait Documents {
    /// Keeps a document unless there is one under the key already.
    async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure>;

    /// Whether there is one.
    async fn exists(&self, key: &str) -> Result<bool, Failure>;

    /// A link to it for somebody without credentials, for so many seconds.
    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure>;
}

/// Draws an invoice. The same invoice gives the same bytes.
pub trait InvoiceRenderer {
    /// As PDF.
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure>;
}
