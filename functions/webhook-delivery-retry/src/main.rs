//! Wires webhook-delivery-retry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_DELIVERY_RETRY)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::UnreachableBus)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_delivery_retry::handle(&webhooks, call).await
    })
    .await
}
