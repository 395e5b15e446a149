//! Wires product-import-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_IMPORT_GET)?;
    let jobs = adapters_postgres::jobs(&wiring)?;
    let files = adapters_s3::files(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        product_import_get::handle(&jobs, &files, call).await
    })
    .await
}
