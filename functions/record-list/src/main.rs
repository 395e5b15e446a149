//! Wires record-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_LIST)?;
    let records = adapters_postgres::records(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| record_list::handle(&records, call).await)
        .await
}
