//! Wires webhook-endpoint-test.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENDPOINT_TEST)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (sealer, sender) = (adapters_auth::sealer(&wiring)?, adapters_http::webhook_sender(&wiring)?);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_endpoint_test::handle(&webhooks, &sealer, &sender, call).await
    })
    .await
}
