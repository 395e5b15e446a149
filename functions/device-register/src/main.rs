//! Wires device-register.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REGISTER)?;
    let devices = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    let endpoints = adapters_sns::push_endpoints(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        device_register::handle(&devices, &endpoints, call).await
    })
    .await
}
