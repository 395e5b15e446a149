//! Wires update-send.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::UPDATE_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    let providers = adapters_channels::providers(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &contacts)?, async |delivery| {
        contacts
            .after(delivery.claim(), update_send::handle(&contacts, &templates, providers.channels(), delivery))
            .await
    })
    .await
}
