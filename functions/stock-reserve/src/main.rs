//! Wires stock-reserve.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_RESERVE)?;
    let stock = adapters_postgres::stock(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &stock)?, async |delivery| {
        stock.attempt(delivery.claim(), stock_reserve::handle(&stock, delivery)).await
    })
    .await
}
