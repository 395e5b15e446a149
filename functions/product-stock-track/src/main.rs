//! Wires product-stock-track.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_STOCK_TRACK)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    let handled_events = adapters_postgres::handled_events(&wiring)?;
    edge::queue::run(
        wiring.consumer()?,
        &adapters_sqs::recorded_dead_letters(&wiring, &handled_events)?,
        async |delivery| {
            handled_events.after(delivery.claim(), product_stock_track::handle(&products, &cache, delivery)).await
        },
    )
    .await
}
