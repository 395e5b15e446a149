//! Wires order-cancel.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_CANCEL)?;
    let orders = wiring.orders()?;
    edge::http::run(wiring.route()?, async |call| order_cancel::handle(&orders, call).await).await
}
