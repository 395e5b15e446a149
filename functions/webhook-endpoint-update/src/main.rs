//! Wires webhook-endpoint-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENDPOINT_UPDATE)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::NoEvents)?;
    let targets = wiring.webhook_targets()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_endpoint_update::handle(&webhooks, &targets, call).await
    })
    .await
}
