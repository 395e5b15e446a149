//! Wires email-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EMAIL_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let letters = adapters_templates::JinjaMessageTemplates::new()?;
    let mailer = adapters_ses::email_sender(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        email_send::handle(&contacts, &letters, &mailer, delivery).await
    })
    .await
}
