//! Wires email-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EMAIL_SEND)?;
    let (contacts, letters, mailer) = (wiring.contacts()?, wiring.message_templates()?, wiring.email_sender()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        email_send::handle(&contacts, &letters, &mailer, delivery).await
    })
    .await
}
