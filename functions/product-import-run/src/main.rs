//! Wires product-import-run.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_IMPORT_RUN)?;
    let jobs = adapters_postgres::jobs(&wiring)?;
    let files = adapters_s3::files(&wiring)?;
    let products = adapters_dynamodb::products(&wiring)?;
    edge::schedule::run(wiring.function().name, async |tick| {
        product_import_run::handle(&jobs, &files, &products, tick).await
    })
    .await
}
