//! Wires analytics-feed.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANALYTICS_FEED)?;
    let analytics_stream = adapters_kinesis::analytics_stream(&wiring)?;
    let handled_events = adapters_postgres::handled_events(&wiring)?;
    edge::queue::run(
        wiring.consumer()?,
        &adapters_sqs::recorded_dead_letters(&wiring, &handled_events)?,
        async |delivery| {
            handled_events.after(delivery.claim(), analytics_feed::handle(&analytics_stream, delivery)).await
        },
    )
    .await
}
