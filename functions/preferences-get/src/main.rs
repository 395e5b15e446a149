//! Wires preferences-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PREFERENCES_GET)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        preferences_get::handle(&contacts, call).await
    })
    .await
}
