//! Wires webhook-endpoint-test.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENDPOINT_TEST)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::UnreachableBus)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_endpoint_test::handle(&webhooks, call).await
    })
    .await
}
