//! Wires stock-movement-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_MOVEMENT_LIST)?;
    let stock = adapters_postgres::stock(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        stock_movement_list::handle(&stock, call).await
    })
    .await
}
