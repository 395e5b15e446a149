//! Wires device-register.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REGISTER)?;
    let (contacts, directory) = (wiring.without_bus().contacts()?, wiring.push_endpoints()?);
    edge::http::run(wiring.route()?, async |call| device_register::handle(&contacts, &directory, call).await).await
}
