//! Wires credit-note-issue.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CREDIT_NOTE_ISSUE)?;
    let invoices = adapters_postgres::invoices(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let documents = adapters_s3::documents(&wiring)?;
    let (renderer, calendar) = (adapters_pdf::PdfInvoiceRenderer::packaged()?, wiring.invoice_calendar()?);
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &invoices)?, async |delivery| {
        invoices
            .after(delivery.claim(), credit_note_issue::handle(&invoices, &documents, &renderer, &calendar, delivery))
            .await
    })
    .await
}
