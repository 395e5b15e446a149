//! Wires product-index.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_INDEX)?;
    let index = adapters_postgres::product_index(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &index)?, async |delivery| {
        index.after(delivery.claim(), product_index::handle(&index, delivery)).await
    })
    .await
}
