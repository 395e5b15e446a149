//! Numbers the invoice of a confirmed order and files it as PDF.
//!
//! The number is kept first, without a gap; the document follows from it, always the same, and is written once.

use domain::{
    DomainEvent,
    event::{self, InvoiceIssued},
    invoice::{self, Invoice},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, Documents, InvoiceRenderer, InvoiceStore};

/// Issues one invoice.
pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    printer: &impl InvoiceRenderer,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let DomainEvent::OrderConfirmed(order) = delivery.event.event else {
        return Err(event::unexpected_event(&delivery.event.event));
    };
    let claim = Claim { consumer: catalog::INVOICE_ISSUE.name, event_id: delivery.event.id };
    let (order_id, event_id) = (order.order_id, delivery.ids.next());
    let issued = |invoice: &Invoice| {
        let issued = InvoiceIssued { order_id, number: invoice.number(), key: invoice.key() };
        event::wrap(event_id, order_id, 1, delivery.now, &delivery.trace, issued)
    };
    let invoice = invoices.assign_number(claim, &invoice::draft(order, delivery.event.time), &issued).await?;
    documents.put_once(&invoice.key(), "application/pdf", printer.render(&invoice)?).await
}
