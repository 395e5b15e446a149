//! Wires webhook-enqueue.

use ports::Receipts as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WEBHOOK_ENQUEUE)?;
    let webhooks = adapters_postgres::webhooks(&wiring, adapters_postgres::UnreachableBus)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        webhooks.after(delivery.claim(), webhook_enqueue::handle(&webhooks, delivery)).await
    })
    .await
}
