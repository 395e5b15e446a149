//! Assigns a number to the invoice of a confirmed order and stores it as PDF.
//!
//! The number is committed first, without a gap in its series. The document is a function of the invoice and is written once.

use domain::{
    DomainEvent,
    event::{InvoiceIssued, OrderConfirmed},
    invoice::{self, Invoice},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Documents, InvoiceRenderer, InvoiceStore};

/// Issues one invoice.
pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    renderer: &impl InvoiceRenderer,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let order: &OrderConfirmed = delivery.event.event.payload()?;
    let order_id = order.order_id;
    let issued = |invoice: &Invoice| {
        delivery.event(order_id, 1, InvoiceIssued { order_id, number: invoice.number(), key: invoice.key() })
    };
    let draft = invoice::draft(order.clone(), delivery.event.time);
    let invoice = invoices.assign_number(delivery.claim(), &draft, &issued).await?;
    documents.put_once(&invoice.key(), "application/pdf", renderer.render(&invoice)?).await
}
