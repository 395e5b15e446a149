//! Wires event-archive.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_ARCHIVE)?;
    let archive = wiring.archive()?;
    edge::kafka::run(wiring.consumer()?, &wiring.dead_letters()?, async |batch| {
        event_archive::handle(&archive, batch).await
    })
    .await
}
