//! Wires webhook-endpoint-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENDPOINT_GET)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_endpoint_get::handle(&webhooks, call).await
    })
    .await
}
