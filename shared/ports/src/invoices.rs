//! Ports of invoices.

use crate::Claim;
use domain::{
    Event,
    id::{OrderId, UserId},
    invoice::{Draft, Invoice},
};
use kernel::Failure;

/// Stores and numbers invoices.
pub trait InvoiceStore {
    /// Assigns the next number of the series, without a gap, to the order's invoice and commits `event(invoice)` with it. Returns the
    /// existing invoice if the order has one.
    async fn assign_number(
        &self,
        claim: Claim,
        draft: &Draft,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure>;

    /// The invoice of an order; with `owner`, only if the order is theirs.
    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure>;
}

/// Renders invoices. The same invoice gives the same bytes.
pub trait InvoiceRenderer {
    /// Renders a PDF.
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure>;
}
