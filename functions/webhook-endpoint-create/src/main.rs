//! Wires webhook-endpoint-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENDPOINT_CREATE)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::NoEvents)?;
    let (sealer, targets) = (adapters_auth::sealer(&wiring)?, wiring.webhook_targets()?);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_endpoint_create::handle(&webhooks, &sealer, &targets, call).await
    })
    .await
}
