//! Wires preferences-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PREFERENCES_UPDATE)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        preferences_update::handle(&contacts, call).await
    })
    .await
}
