//! Wires analytics-summary-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ANALYTICS_SUMMARY_GET)?;
    let windows = adapters_postgres::windows(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        analytics_summary_get::handle(&windows, call).await
    })
    .await
}
