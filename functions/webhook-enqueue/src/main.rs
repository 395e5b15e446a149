//! Wires webhook-enqueue.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENQUEUE)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (sealer, sender) = (adapters_auth::sealer(&wiring)?, adapters_http::webhook_sender(&wiring)?);
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &webhooks)?, async |delivery| {
        let claim = delivery.claim();
        webhooks.after(claim, webhook_enqueue::handle(&webhooks, &sealer, &sender, delivery)).await
    })
    .await
}
