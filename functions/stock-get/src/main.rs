//! Wires stock-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_GET)?;
    let stock = wiring.without_bus().stock()?;
    edge::http::run(wiring.route()?, async |call| stock_get::handle(&stock, call).await).await
}
