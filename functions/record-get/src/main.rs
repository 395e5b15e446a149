//! Wires record-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_GET)?;
    let (records, cache) = (adapters_postgres::records(&wiring)?, adapters_redis::cache(&wiring)?);
    let archive = adapters_s3::record_archive(&wiring)?;
    let handle = async |call| record_get::handle(&records, &cache, &archive, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
