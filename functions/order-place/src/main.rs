//! Wires order-place.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_PLACE)?;
    let (orders, offers) = (wiring.orders()?, wiring.product_snapshots()?);
    edge::http::run(wiring.route()?, async |call| order_place::handle(&orders, &offers, call).await).await
}
