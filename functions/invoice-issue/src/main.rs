//! Wires invoice-issue.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_ISSUE)?;
    let (invoices, documents, printer) = (wiring.invoices()?, wiring.documents()?, wiring.invoice_renderer()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        invoice_issue::handle(&invoices, &documents, &printer, delivery).await
    })
    .await
}
