//! Wires topics-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOPICS_CREATE)?;
    let topics = adapters_kafka::topics(&wiring)?;
    edge::direct::run(wiring.function().name, async |call| topics_create::handle(&topics, call).await).await
}
