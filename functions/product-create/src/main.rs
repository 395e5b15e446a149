//! Wires product-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_CREATE)?;
    let products = adapters_dynamodb::products(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| product_create::handle(&products, call).await)
        .await
}
