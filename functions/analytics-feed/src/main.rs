//! Wires analytics-feed.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANALYTICS_FEED)?;
    let analytics_stream = wiring.analytics_stream()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        analytics_feed::handle(&analytics_stream, delivery).await
    })
    .await
}
