//! Wires product-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_GET)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| product_get::handle(&products, &cache, call).await).await
}
