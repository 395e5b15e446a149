//! Wires invoice-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_GET)?;
    let (invoices, documents) = (wiring.without_bus().invoices()?, wiring.documents()?);
    edge::http::run(wiring.route()?, async |call| invoice_get::handle(&invoices, &documents, call).await).await
}
