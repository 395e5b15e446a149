//! Issues a credit note for each refund of an invoiced order, and stores it as PDF.
//!
//! A refund is recorded first. Its credit note is issued when both refund and invoice exist: at the refund, or at the event of an invoice that
//! was issued later. A redelivery finds number and document; the document of one that failed in between is stored then.

use domain::{
    DomainEvent,
    credit_note::{self, CreditNote, Refund},
    event::{self, CreditNoteIssued},
    invoice::Calendar,
};
use edge::Delivery;
use kernel::Failure;
use ports::{CreditNoteRenderer, CreditNoteStore, Documents, InvoiceStore};

/// The store of invoices, which has their refunds and credit notes, too.
pub trait Invoices: InvoiceStore + CreditNoteStore {}

impl<S: InvoiceStore + CreditNoteStore> Invoices for S {}

/// Issues the credit notes of one order that are due. `calendar` decides on which day and in which series.
pub async fn handle(
    invoices: &impl Invoices,
    documents: &impl Documents,
    renderer: &impl CreditNoteRenderer,
    calendar: &Calendar,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let order_id = match &delivery.event.event {
        DomainEvent::PaymentRefunded(refund) => {
            let (refund_id, order_id) = (refund.refund_id, refund.order_id);
            let refund = Refund { refund_id, order_id, amount: refund.amount, refunded: refund.refunded_amount };
            invoices.record_refund(&refund).await?;
            order_id
        }
        DomainEvent::InvoiceIssued(invoice) => invoice.order_id,
        other => return Err(event::unexpected_event(other)),
    };
    // Read after the refund was recorded: whichever of refund and invoice comes last sees the other.
    let Some(invoice) = invoices.find(order_id, None).await? else { return Ok(()) };
    for refund in invoices.refunds(order_id).await? {
        let draft = credit_note::draft(&invoice, refund)?;
        let issued = |note: &CreditNote| {
            let (refund_id, number, key) = (refund.refund_id, note.number(), note.key());
            delivery.event(order_id, 1, CreditNoteIssued { order_id, refund_id, number, key })
        };
        let note = invoices.number_credit_note(&draft, calendar, delivery.now, &issued).await?;
        documents.put_once(&note.key(), "application/pdf", renderer.render_credit_note(&note)?).await?;
    }
    Ok(())
}
