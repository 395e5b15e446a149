//! Wires event-forward.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_FORWARD)?;
    let event_log = adapters_kafka::event_log(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        event_forward::handle(&event_log, delivery).await
    })
    .await
}
