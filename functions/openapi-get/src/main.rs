//! Wires openapi-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::OPENAPI_GET)?;
    edge::http::run(wiring.route()?, async |call| openapi_get::handle(call).await).await
}
