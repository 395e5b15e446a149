//! Wires push-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PUSH_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    let sender = adapters_sns::push_sender(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        push_send::handle(&contacts, &templates, &sender, delivery).await
    })
    .await
}
