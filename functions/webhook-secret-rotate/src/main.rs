//! Wires webhook-secret-rotate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_SECRET_ROTATE)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::NoEvents)?;
    let sealer = adapters_auth::sealer(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        webhook_secret_rotate::handle(&webhooks, &sealer, call).await
    })
    .await
}
