//! Issues a credit note for each refund of an invoiced order, and cancels it if the refund is returned; stores both as PDF.
//!
//! A refund is recorded first, and so is its failure. Its credit note is issued when both refund and invoice exist: at the refund, or at the
//! event of an invoice that was issued later. A redelivery finds number and document; the document of one that failed in between is stored
//! then.

use domain::{
    DomainEvent,
    credit_note::{self, CreditNote, Draft, Refund},
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
    let version = delivery.event.sequence;
    let order_id = match &delivery.event.event {
        DomainEvent::PaymentRefunded(refund) => {
            let (refund_id, order_id) = (refund.refund_id, refund.order_id);
            let refund = Refund { refund_id, order_id, amount: refund.amount, refunded: refund.refunded_amount };
            invoices.record_refund(&refund, version).await?;
            order_id
        }
        DomainEvent::RefundFailed(failed) => {
            invoices.record_failure(failed.refund_id, version).await?;
            failed.order_id
        }
        DomainEvent::InvoiceIssued(invoice) => invoice.order_id,
        other => return Err(event::unexpected_event(other)),
    };
    // Read after the refund was recorded: whichever of refund and invoice comes last sees the other.
    let Some(invoice) = invoices.find(order_id, None).await? else { return Ok(()) };
    let issue = async |draft: Draft| {
        let (refund_id, cancels) = (draft.refund.refund_id, draft.cancels.clone());
        let issued = |note: &CreditNote| {
            let (number, key, cancels) = (note.number(), note.key(), cancels.clone());
            delivery.event(order_id, 1, CreditNoteIssued { order_id, refund_id, number, key, cancels })
        };
        let note = invoices.number_credit_note(&draft, calendar, delivery.now, &issued).await?;
        documents.put_once(&note.key(), "application/pdf", renderer.render_credit_note(&note)?).await
    };
    for recorded in invoices.refunds(order_id).await?.iter().filter(|one| !one.is_returned) {
        issue(credit_note::draft(&invoice, recorded.refund)?).await?;
    }
    // Read again: a failure that was recorded meanwhile may have seen no credit note yet.
    let refunds = invoices.refunds(order_id).await?;
    let returned: Vec<_> = refunds.iter().filter(|one| one.is_returned).map(|one| one.refund.refund_id).collect();
    if returned.is_empty() {
        return Ok(());
    }
    let notes = invoices.credit_notes(order_id, None).await?.unwrap_or_default();
    let is_void = |note: &&CreditNote| note.draft.cancels.is_none() && returned.contains(&note.draft.refund.refund_id);
    for note in notes.iter().filter(is_void) {
        // The document of the credit note may be missing yet, too.
        documents.put_once(&note.key(), "application/pdf", renderer.render_credit_note(note)?).await?;
        issue(credit_note::cancellation(note)).await?;
    }
    Ok(())
}
