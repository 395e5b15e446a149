//! Wires sms-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SMS_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let letters = adapters_templates::JinjaMessageTemplates::new()?;
    let texter = adapters_sns::sms_sender(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        sms_send::handle(&contacts, &letters, &texter, delivery).await
    })
    .await
}
