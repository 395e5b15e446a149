//! Wires order-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_GET)?;
    let orders = wiring.without_bus().orders()?;
    edge::http::run(wiring.route()?, async |call| order_get::handle(&orders, call).await).await
}
