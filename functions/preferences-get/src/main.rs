//! Wires preferences-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PREFERENCES_GET)?;
    let contacts = wiring.without_bus().contacts()?;
    edge::http::run(wiring.route()?, async |call| preferences_get::handle(&contacts, call).await).await
}
