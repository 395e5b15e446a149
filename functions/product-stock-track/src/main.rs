//! Wires product-stock-track.

use ports::Receipts as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_STOCK_TRACK)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    let receipts = adapters_postgres::receipts(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        receipts.after(delivery.claim(), product_stock_track::handle(&products, &cache, delivery)).await
    })
    .await
}
