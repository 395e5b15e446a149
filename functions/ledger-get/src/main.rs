//! Wires ledger-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::LEDGER_GET)?;
    let ledger = adapters_postgres::ledger(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| ledger_get::handle(&ledger, call).await).await
}
