//! Wires order-cancel.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_CANCEL)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| order_cancel::handle(&orders, call).await)
        .await
}
