//! Wires order-stuck-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_STUCK_LIST)?;
    let orders = adapters_postgres::orders(&wiring, adapters_postgres::NoEvents)?;
    let handler = async |call| order_stuck_list::handle(&orders, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
