//! Wires anomaly-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANOMALY_LIST)?;
    let windows = adapters_postgres::windows(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| anomaly_list::handle(&windows, call).await)
        .await
}
