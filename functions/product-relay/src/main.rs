//! Wires product-relay.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_RELAY)?;
    let events = adapters_postgres::events(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let cache = adapters_redis::cache(&wiring)?;
    edge::dynamodb::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |change| {
        product_relay::handle(&events, &cache, adapters_dynamodb::product_from_image, change).await
    })
    .await
}
