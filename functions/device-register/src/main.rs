//! Wires device-register.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REGISTER)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::UnreachableBus)?;
    let directory = adapters_sns::push_endpoints(&wiring)?;
    edge::http::run(wiring.route()?, async |call| device_register::handle(&contacts, &directory, call).await).await
}
