//! Wires invoice-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_GET)?;
    let invoices = adapters_postgres::invoices(&wiring, adapters_postgres::NoEvents)?;
    let documents = adapters_s3::documents(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        invoice_get::handle(&invoices, &documents, call).await
    })
    .await
}
