//! Wires order-status-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_STATUS_UPDATE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        order_status_update::handle(&orders, call).await
    })
    .await
}
