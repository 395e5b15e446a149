//! Wires route-default.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ROUTE_DEFAULT)?;
    edge::http::run(wiring.route()?, async |call| route_default::handle(call).await).await
}
