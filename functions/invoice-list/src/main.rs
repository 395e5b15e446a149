//! Wires invoice-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::INVOICE_LIST)?;
    let invoices = adapters_postgres::invoices(&wiring, adapters_postgres::NoEvents)?;
    let documents = adapters_s3::documents(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        invoice_list::handle(&invoices, &documents, call).await
    })
    .await
}
