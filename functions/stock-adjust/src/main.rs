//! Wires stock-adjust.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_ADJUST)?;
    let stock = adapters_postgres::stock(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| stock_adjust::handle(&stock, call).await)
        .await
}
