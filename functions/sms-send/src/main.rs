//! Wires sms-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SMS_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    let (sender, limits) = (adapters_sns::sms_sender(&wiring)?, wiring.message_limits()?);
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        sms_send::handle(&contacts, &templates, &sender, &limits, delivery).await
    })
    .await
}
