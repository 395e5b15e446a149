//! Wires stock-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_GET)?;
    let stock = adapters_postgres::stock(&wiring, adapters_postgres::NoEvents)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| stock_get::handle(&stock, call).await).await
}
