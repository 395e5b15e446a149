//! Wires event-forward.

use ports::Receipts as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_FORWARD)?;
    let event_log = adapters_kafka::event_log(&wiring)?;
    let receipts = adapters_postgres::receipts(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        receipts.after(delivery.claim(), event_forward::handle(&event_log, delivery)).await
    })
    .await
}
