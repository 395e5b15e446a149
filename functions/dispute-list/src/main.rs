//! Wires dispute-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DISPUTE_LIST)?;
    let payments = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| dispute_list::handle(&payments, call).await)
        .await
}
