//! Wires order-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_LIST)?;
    let orders = wiring.without_bus().orders()?;
    edge::http::run(wiring.route()?, async |call| order_list::handle(&orders, call).await).await
}
