//! Wires order-list-user.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_LIST_USER)?;
    let orders = wiring.without_bus().orders()?;
    edge::http::run(wiring.route()?, async |call| order_list_user::handle(&orders, call).await).await
}
