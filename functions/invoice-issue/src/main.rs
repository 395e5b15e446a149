//! Wires invoice-issue.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_ISSUE)?;
    let invoices = adapters_postgres::invoices(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let documents = adapters_s3::documents(&wiring)?;
    let renderer = adapters_pdf::PdfInvoiceRenderer::packaged()?;
    let (calendar, seller) = (wiring.invoice_calendar()?, wiring.invoice_seller()?);
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &invoices)?, async |delivery| {
        invoices
            .after(
                delivery.claim(),
                invoice_issue::handle(&invoices, &documents, &renderer, (&calendar, &seller), delivery),
            )
            .await
    })
    .await
}
