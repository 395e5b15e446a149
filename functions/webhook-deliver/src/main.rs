//! Wires webhook-deliver.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_DELIVER)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (sealer, sender) = (adapters_auth::sealer(&wiring)?, adapters_http::webhook_sender(&wiring)?);
    edge::schedule::run(wiring.function().name, async |tick| {
        webhook_deliver::handle(&webhooks, &sealer, &sender, tick).await
    })
    .await
}
