//! Wires invoice-restore.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_RESTORE)?;
    let invoices = adapters_postgres::invoices(&wiring, adapters_postgres::NoEvents)?;
    let (documents, calendar) = (adapters_s3::documents(&wiring)?, wiring.invoice_calendar()?);
    edge::direct::run(wiring.function().name, async |call| {
        invoice_restore::handle(&invoices, &documents, &calendar, call).await
    })
    .await
}
