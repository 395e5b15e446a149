//! Wires device-remove.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REMOVE)?;
    let devices = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| device_remove::handle(&devices, call).await)
        .await
}
