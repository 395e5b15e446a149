//! Wires record-partition.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_PARTITION)?;
    let (days, archive) = (adapters_postgres::records(&wiring)?, adapters_s3::record_archive(&wiring)?);
    edge::schedule::run(wiring.function().name, async |tick| record_partition::handle(&days, &archive, tick).await)
        .await
}
