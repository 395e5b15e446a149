//! Wires verification-send.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::VERIFICATION_SEND)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (tokens, messages) = (adapters_auth::RandomTokens, adapters_templates::JinjaMessageTemplates::new()?);
    let (email, sms) = (adapters_ses::email_sender(&wiring)?, adapters_sns::sms_sender(&wiring)?);
    let countries = &wiring.message_limits()?.countries;
    let sender = services::VerificationMessageSender { messages: &messages, email: &email, sms: &sms, countries };
    let handled_events = adapters_postgres::handled_events(&wiring)?;
    edge::queue::run(
        wiring.consumer()?,
        &adapters_sqs::recorded_dead_letters(&wiring, &handled_events)?,
        async |delivery| {
            handled_events
                .attempt(delivery.claim(), verification_send::handle(&users, &tokens, &sender, delivery))
                .await
        },
    )
    .await
}
