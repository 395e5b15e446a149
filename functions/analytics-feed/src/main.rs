//! Wires analytics-feed.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANALYTICS_FEED)?;
    let fact_stream = wiring.fact_stream()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        analytics_feed::handle(&fact_stream, delivery).await
    })
    .await
}
