//! Wires stock-adjust.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_ADJUST)?;
    let stock = wiring.stock()?;
    edge::http::run(wiring.route()?, async |call| stock_adjust::handle(&stock, call).await).await
}
