//! Wires event-forward.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_FORWARD)?;
    let event_log = adapters_kafka::event_log(&wiring)?;
    let handled_events = adapters_postgres::handled_events(&wiring)?;
    edge::queue::run(
        wiring.consumer()?,
        &adapters_sqs::recorded_dead_letters(&wiring, &handled_events)?,
        async |delivery| handled_events.after(delivery.claim(), event_forward::handle(&event_log, delivery)).await,
    )
    .await
}
