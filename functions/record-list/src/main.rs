//! Wires record-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_LIST)?;
    let (records, archive) = (adapters_postgres::records(&wiring)?, adapters_s3::record_archive(&wiring)?);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        record_list::handle(&records, &archive, call).await
    })
    .await
}
