//! Wires update-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::UPDATE_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    let email = adapters_ses::email_sender(&wiring)?;
    let sms = adapters_sns::sms_sender(&wiring)?;
    let push = adapters_sns::push_sender(&wiring)?;
    let limits = wiring.message_limits()?;
    let channels = services::Channels { email: &email, sms: &sms, push: &push, limits: &limits };
    edge::queue::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |delivery| {
        update_send::handle(&contacts, &templates, channels, delivery).await
    })
    .await
}
