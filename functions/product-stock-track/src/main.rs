//! Wires product-stock-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_STOCK_TRACK)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        product_stock_track::handle(&products, &cache, delivery).await
    })
    .await
}
