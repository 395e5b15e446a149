//! Wires stock-alert.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_ALERT)?;
    let stock = adapters_postgres::stock(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &stock)?, async |delivery| {
        stock.after(delivery.claim(), stock_alert::handle(&stock, delivery)).await
    })
    .await
}
