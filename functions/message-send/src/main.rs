//! Wires message-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::MESSAGE_SEND)?;
    let (contacts, letters) = (wiring.contacts()?, wiring.letters()?);
    let (mailer, texter, pusher) = (wiring.mailer()?, wiring.texter()?, wiring.pusher()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        message_send::handle(&contacts, &letters, (&mailer, &texter, &pusher), delivery).await
    })
    .await
}
