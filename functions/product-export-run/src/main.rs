//! Wires product-export-run.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_EXPORT_RUN)?;
    let jobs = adapters_postgres::jobs(&wiring)?;
    let files = adapters_s3::files(&wiring)?;
    let index = adapters_postgres::product_index(&wiring)?;
    edge::schedule::run(wiring.function().name, async |tick| {
        product_export_run::handle(&jobs, &files, &index, tick).await
    })
    .await
}
