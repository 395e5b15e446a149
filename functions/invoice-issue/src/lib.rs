//! Assigns a number to the invoice of a confirmed order and stores it as PDF.
//!
//! Number and date of issue are committed first: without a gap in the series, and never with a date before that of a lower number. The
//! document is a function of the invoice and is written once.

use domain::{
    DomainEvent, canary,
    event::OrderConfirmed,
    invoice::{self, Calendar, Invoice, Seller},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Documents, InvoiceRenderer, InvoiceStore};

/// Issues one invoice of `seller`, and none for an order of the canary: the series is for customers. `calendar` decides on which day and in
/// which series.
pub async fn handle(
    invoices: &impl InvoiceStore,
    documents: &impl Documents,
    renderer: &impl InvoiceRenderer,
    (calendar, seller): (&Calendar, &Seller),
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let order: &OrderConfirmed = delivery.event.event.payload()?;
    if canary::is_customer(order.user_id) {
        return Ok(());
    }
    let issued = |invoice: &Invoice| delivery.event(order.order_id, 1, invoice.issued(order.order_id));
    let draft = invoice::draft(order.clone(), seller.clone());
    let invoice = invoices.assign_number(&draft, calendar, delivery.now, &issued).await?;
    documents.put_once(&invoice.key(), "application/pdf", renderer.render(&invoice)?).await
}
