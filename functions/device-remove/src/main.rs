//! Wires device-remove.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REMOVE)?;
    let contacts = wiring.without_bus().contacts()?;
    edge::http::run(wiring.route()?, async |call| device_remove::handle(&contacts, call).await).await
}
