//! Wires preferences-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PREFERENCES_UPDATE)?;
    let contacts = wiring.without_bus().contacts()?;
    edge::http::run(wiring.route()?, async |call| preferences_update::handle(&contacts, call).await).await
}
