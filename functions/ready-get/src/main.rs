//! Wires ready-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::READY_GET)?;
    let database_probe = adapters_postgres::database_probe(&wiring)?;
    let cache_probe = adapters_redis::cache_probe(&wiring)?;
    edge::http::run(wiring.route()?, async |call| ready_get::handle(&database_probe, &cache_probe, call).await).await
}
