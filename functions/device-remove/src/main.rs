//! Wires device-remove.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEVICE_REMOVE)?;
    let (contacts, directory) = (wiring.silent().contacts()?, wiring.device_directory()?);
    edge::http::run(wiring.route()?, async |call| device_remove::handle(&contacts, &directory, call).await).await
}
