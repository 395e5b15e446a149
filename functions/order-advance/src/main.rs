//! Wires order-advance.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_ADVANCE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let policy = wiring.shortfall_policy()?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &orders)?, async |delivery| {
        orders.after(delivery.claim(), order_advance::handle(&orders, policy, delivery)).await
    })
    .await
}
