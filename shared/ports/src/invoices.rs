//! Ports of invoices.

use crate::Claim;
use domain::{
    Event,
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
};
use kernel::{Failure, Timestamp};

/// Stores and numbers invoices.
pub trait InvoiceStore {
    /// Assigns the next number of the series, without a gap, and the date of issue to the order's invoice, and commits
    /// `event(invoice)` with them. The date is that of `now`, unless a later one was assigned in the series: an invoice with a
    /// higher number has no earlier date. Returns the existing invoice if the order has one.
    async fn assign_number(
        &self,
        claim: Claim,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
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
