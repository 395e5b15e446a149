//! Wires order-address-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_ADDRESS_UPDATE)?;
    let orders = adapters_postgres::orders(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        order_address_update::handle(&orders, call).await
    })
    .await
}
