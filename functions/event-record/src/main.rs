//! Wires event-record.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_RECORD)?;
    let records = adapters_postgres::event_records(&wiring)?;
    edge::kafka::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |batch| {
        event_record::handle(&records, batch).await
    })
    .await
}
