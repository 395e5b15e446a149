//! Wires asyncapi-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ASYNCAPI_GET)?;
    edge::http::run(wiring.route()?, async |call| asyncapi_get::handle(call).await).await
}
