//! Ports of invoices.

use crate::Page;
use domain::{
    Event,
    credit_note::{self, CreditNote, RecordedRefund, Refund},
    id::{OrderId, RefundId, UserId},
    invoice::{Calendar, Draft, Invoice},
};
use kernel::{Date, Failure, Timestamp};

/// Stores and numbers invoices.
pub trait InvoiceStore {
    /// Assigns the next number of the series, without a gap, and the date of issue to the order's invoice, and commits
    /// `event(invoice)` with them. The date is that of `now`, unless a later one was assigned in the series: an invoice with a
    /// higher number has no earlier date. Returns the existing invoice if the order has one.
    async fn assign_number(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure>;

    /// The last number of a series, of invoices or of credit notes; 0 if it has none.
    async fn last_number(&self, series: &str) -> Result<i64, Failure>;

    /// Makes the series continue after `last`, with no earlier date than `issued_on`, unless it does already.
    async fn raise_series(&self, series: &str, last: i64, issued_on: Date) -> Result<(), Failure>;

    /// The invoice of an order; with `owner`, only if the order is theirs.
    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure>;
}

pub trait InvoiceList {
    /// Invoices, those issued last first; with `owner`, only theirs.
    async fn invoices(&self, owner: Option<UserId>, limit: u32, cursor: Option<&str>)
    -> Result<Page<Invoice>, Failure>;
}

/// Stores refunds, and numbers their credit notes.
pub trait CreditNoteStore {
    /// Records a refund that was made in `version` of its payment, whether its order has an invoice yet or not. Recording it again changes
    /// nothing.
    async fn record_refund(&self, refund: &Refund, version: u64) -> Result<(), Failure>;

    /// Records that a refund failed in `version` of its payment, whether it is known or not.
    async fn record_failure(&self, refund: RefundId, version: u64) -> Result<(), Failure>;

    /// The refunds of an order, by what was refunded up to each. One is returned if it failed in a later version than it was made in:
    /// events may come in any order.
    async fn refunds(&self, order: OrderId) -> Result<Vec<RecordedRefund>, Failure>;

    /// Assigns number and date to the credit note of a recorded refund or to its cancellation, as [`InvoiceStore::assign_number`] does for an
    /// invoice. Returns the existing document if the refund has one.
    async fn number_credit_note(
        &self,
        draft: &credit_note::Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&CreditNote) -> Event,
    ) -> Result<CreditNote, Failure>;

    /// The credit notes of an order, oldest first; `None` if it has no invoice. With `owner`, only if the order is theirs.
    async fn credit_notes(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Vec<CreditNote>>, Failure>;
}

/// Renders credit notes. The same credit note gives the same bytes.
pub trait CreditNoteRenderer {
    /// Renders a PDF.
    fn render_credit_note(&self, note: &CreditNote) -> Result<Vec<u8>, Failure>;
}

/// Renders invoices. The same invoice gives the same bytes.
pub trait InvoiceRenderer {
    /// Renders a PDF.
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure>;
}
