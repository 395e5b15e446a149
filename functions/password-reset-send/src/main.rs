//! Wires password-reset-send.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PASSWORD_RESET_SEND)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (tokens, messages) = (adapters_auth::RandomTokens, adapters_templates::JinjaMessageTemplates::new()?);
    let email = adapters_ses::email_sender(&wiring)?;
    let sender = services::PasswordResetMailer { messages: &messages, email: &email };
    let handled_events = adapters_postgres::handled_events(&wiring)?;
    edge::queue::run(
        wiring.consumer()?,
        &adapters_sqs::recorded_dead_letters(&wiring, &handled_events)?,
        async |delivery| {
            handled_events
                .attempt(delivery.claim(), password_reset_send::handle(&users, &tokens, &sender, delivery))
                .await
        },
    )
    .await
}
