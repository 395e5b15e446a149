//! Wires mismatch-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::MISMATCH_LIST)?;
    let payments = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| mismatch_list::handle(&payments, call).await)
        .await
}
