//! Wires order-erase.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_ERASE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_postgres::NoEvents)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &orders)?, async |delivery| {
        orders.attempt(delivery.claim(), order_erase::handle(&orders, delivery)).await
    })
    .await
}
