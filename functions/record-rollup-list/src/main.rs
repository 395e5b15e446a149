//! Wires record-rollup-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_ROLLUP_LIST)?;
    let records = adapters_postgres::records(&wiring)?;
    let handle = async |call| record_rollup_list::handle(&records, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
