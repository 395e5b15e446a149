//! Ports of payments and invoices.

use crate::{Advanced, Claim};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    invoice::{Draft, Invoice},
    ledger::{Statement, Transfer},
    payment::{Answer, Change, Payment, Refund, RefundAnswer},
};
use kernel::{Failure, Idempotency, Settled, StoredReply, Timestamp, Uuid};

/// Payments. A payment is read, the domain decides, and the step is kept if the payment still is what was read.
pub trait PaymentStore {
    /// Begins the payment of an order, or finds the one that there is: one per order.
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure>;

    /// One payment; with `owner`, only if it is theirs.
    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// The payment of an order; with `owner`, only if it is theirs.
    async fn of_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// Keeps the step from version `change.payment.version - 1`, with its transfers, its events and the claim, if there is one.
    async fn advance(&self, claim: Option<Claim>, change: &Change, events: &[Event]) -> Result<Advanced, Failure>;

    /// As `advance`, with the answer to the request that asked for it; failures of the key as for [`crate::OrderStore::place`].
    /// `None` when another step was faster.
    async fn settle(
        &self,
        key: &Idempotency,
        reply: &StoredReply,
        change: &Change,
        events: &[Event],
    ) -> Result<Option<Settled>, Failure>;

    /// Keeps a refusal as the answer to a request, so that its repetition gets the same one.
    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure>;

    /// Keeps an event that goes with no step.
    async fn announce(&self, event: &Event) -> Result<(), Failure>;

    /// Up to `limit` payments that are to be looked after before `before`, those that wait longest first; with `after`, those behind
    /// it in this order.
    async fn unanswered(&self, before: Timestamp, after: Option<&Payment>, limit: u32)
    -> Result<Vec<Payment>, Failure>;
}

/// The ledger.
pub trait Ledger {
    /// What was booked in `[from, to)`, oldest first.
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Transfer>, Failure>;

    /// Books what is not booked yet, with an event about it.
    async fn book(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure>;
}

/// The payment gateway. No answer, or a fault on its side, is `Unavailable`; and so is what it answers without saying what became of
/// the matter, with one of these codes: [`crate::NOT_NOW`], [`crate::UNDECIDED`], [`crate::KEPT_FAULT`].
pub trait Gateway {
    /// Charges for the last attempt, at most once a key.
    async fn charge(&self, payment: &Payment) -> Result<Answer, Failure>;

    /// Gives money back, at most once a key.
    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundAnswer, Failure>;

    /// What became of the last attempt, for whoever does not know whether it was asked for; nothing, where the gateway never heard
    /// of it or began it and never came to charge. It changes nothing. What was asked for within the last minute may be missing.
    async fn find(&self, payment: &Payment) -> Result<Option<Answer>, Failure>;

    /// What became of a refund; as [`Gateway::find`], and without its delay.
    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundAnswer>, Failure>;

    /// Charges and refunds of `[from, to)`, as the gateway's own ledger has them.
    async fn movements(&self, from: Timestamp, to: Timestamp) -> Result<Statement, Failure>;
}

/// What the gateway tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayNews {
    /// Its id, from the gateway's own: the same news has the same id, however often it comes.
    pub id: Uuid,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Of which attempt.
    pub attempt: u32,
    /// What became of it.
    pub answer: Answer,
}

/// Reads what the gateway tells by itself.
pub trait GatewayMail {
    /// `None` for what is genuine and no news for us. What is not signed by the gateway, or was signed more than five minutes from
    /// `now`, is `Unauthenticated`, code `signature-invalid`; what cannot be read is `Malformed`.
    async fn read(&self, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<Option<GatewayNews>, Failure>;
}

/// A circuit breaker before the gateway, shared by all who ask it. It is never in the way by its own fault: where its state cannot be
/// read, it lets everybody through.
pub trait Breaker {
    /// Whether the gateway may be asked now; if not, `Unavailable`, with the seconds to wait.
    async fn admit(&self, now: Timestamp) -> Result<(), Failure>;

    /// Tells how it went: whether the gateway answered. Where that opens the circuit, until when, and after how many failures.
    async fn report(&self, answered: bool, now: Timestamp) -> Option<Opened>;
}

/// A circuit that has just opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Failures in a row.
    pub failures: u32,
    /// Until when nobody asks.
    pub until: Timestamp,
}

/// Invoices.
pub trait InvoiceStore {
    /// Gives the order's invoice its number, the next of its series without a gap, or finds the one it has. Keeps `event(number)`
    /// with it.
    async fn number(&self, claim: Claim, draft: &Draft, event: &dyn Fn(&Invoice) -> Event) -> Result<Invoice, Failure>;

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
pub trait Printer {
    /// As PDF.
    fn invoice(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure>;
}
