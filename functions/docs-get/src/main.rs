//! Wires docs-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DOCS_GET)?;
    edge::http::run(wiring.route()?, async |call| docs_get::handle(call).await).await
}
