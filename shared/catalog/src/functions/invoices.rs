//! The functions of invoices.

use super::*;

functions! {
    /// Numbers an invoice and stores its PDF document.
    INVOICE_ISSUE = Function::new("invoice-issue", Invoices).triggered(Fanout(&ORDER_UPDATES, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, &[PutObject]), Uses::InvoiceCalendar, Uses::InvoiceSeller])
        .publishes(&[INVOICE_ISSUED])
        .memory(512).timeout(20).batched(50, 5).concurrency(30);
    /// Makes the series continue after the documents that exist, after a restore of the database.
    INVOICE_RESTORE = Function::new("invoice-restore", Invoices)
        .uses(&[Uses::Postgres, Uses::Bucket(&INVOICES, &[ListBucket]), Uses::InvoiceCalendar]).timeout(300);
    /// Returns a link to the invoice of an order.
    INVOICE_GET = Function::new("invoice-get", Invoices)
        .http(Get, "/api/v1/orders/{id}/invoice", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);
    /// Lists invoices with links to them.
    INVOICE_LIST = Function::new("invoice-list", Invoices).http(Get, "/api/v1/invoices", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);
    /// Issues the credit note of a refund.
    CREDIT_NOTE_ISSUE = Function::new("credit-note-issue", Invoices).on(&[PAYMENT_REFUNDED, REFUND_FAILED, INVOICE_ISSUED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, &[PutObject]), Uses::InvoiceCalendar])
        .publishes(&[CREDIT_NOTE_ISSUED]).memory(512).timeout(20).batched(100, 20);
    /// Lists the credit notes of an order with links to them.
    CREDIT_NOTE_LIST = Function::new("credit-note-list", Invoices)
        .http(Get, "/api/v1/orders/{id}/credit-notes", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);
}
