//! Wires product-price-track.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_PRICE_TRACK)?;
    let orders = adapters_postgres::orders(&wiring, adapters_postgres::NoEvents)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &orders)?, async |delivery| {
        orders.attempt(delivery.claim(), product_price_track::handle(&orders, delivery)).await
    })
    .await
}
