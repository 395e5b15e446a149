//! Wires health-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::HEALTH_GET)?;
    edge::http::run(wiring.route()?, async |call| health_get::handle(call).await).await
}
