//! Wires message-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::MESSAGE_SEND)?;
    let (contacts, letters, mailer) = (wiring.contacts()?, wiring.letters()?, wiring.mailer()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        message_send::handle(&contacts, &letters, &mailer, delivery).await
    })
    .await
}
