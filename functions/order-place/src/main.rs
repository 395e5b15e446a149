//! Wires order-place.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_PLACE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let catalogue = adapters_http::product_snapshots(&wiring)?;
    let (limits, rates) = (wiring.order_limits()?, wiring.order_rates()?);
    let handle = async |call| order_place::handle(&orders, &catalogue, (limits, &rates), call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
