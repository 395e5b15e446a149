//! Wires record-write.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_WRITE)?;
    let records = adapters_postgres::records(&wiring)?;
    edge::kafka::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |batch| {
        record_write::handle(&records, batch).await
    })
    .await
}
