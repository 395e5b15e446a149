//! Wires order-place.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_PLACE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (catalogue, limits) = (adapters_http::product_snapshots(&wiring)?, wiring.order_limits()?);
    edge::http::run(wiring.route()?, async |call| order_place::handle(&orders, &catalogue, limits, call).await).await
}
