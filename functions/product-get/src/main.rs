//! Wires product-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_GET)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        product_get::handle(&products, &cache, call).await
    })
    .await
}
