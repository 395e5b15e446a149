//! Ports of payments and invoices.

use crate::Claim;
use domain::{
    Event,
    id::{OrderId, UserId},
    invoice::{Draft, Invoice},
    payment::{Answer, Payment, Status},
};
use kernel::Failure;

/// Payments.
pub trait PaymentStore {
    /// Begins the payment of an order, or finds the one that was begun before: one per order.
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure>;

    /// Keeps what the gateway answered, with its event; `false` when an answer was kept before.
    async fn conclude(
        &self,
        claim: Claim,
        payment: &Payment,
        status: Status,
        answer: &Answer,
        event: &Event,
    ) -> Result<bool, Failure>;
}

/// The payment gateway.
pub trait Gateway {
    /// Charges, at most once a key. No answer, or a fault on its side, is `Unavailable`.
    async fn charge(&self, payment: &Payment) -> Result<Answer, Failure>;
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
