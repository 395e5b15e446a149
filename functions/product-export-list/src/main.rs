//! Wires product-export-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_EXPORT_LIST)?;
    let jobs = adapters_postgres::jobs(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        product_export_list::handle(&jobs, call).await
    })
    .await
}
