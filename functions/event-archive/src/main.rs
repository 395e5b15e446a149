//! Wires event-archive.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_ARCHIVE)?;
    let archive = adapters_s3::archive(&wiring)?;
    edge::kafka::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |batch| {
        event_archive::handle(&archive, batch).await
    })
    .await
}
