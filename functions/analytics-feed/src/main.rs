//! Wires analytics-feed.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANALYTICS_FEED)?;
    let analytics_stream = adapters_kinesis::analytics_stream(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        analytics_feed::handle(&analytics_stream, delivery).await
    })
    .await
}
