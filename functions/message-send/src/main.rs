//! Wires message-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::MESSAGE_SEND)?;
    let (contacts, letters) = (wiring.contacts()?, wiring.message_templates()?);
    let (mailer, texter, pusher) = (wiring.email_sender()?, wiring.sms_sender()?, wiring.push_sender()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        message_send::handle(&contacts, &letters, (&mailer, &texter, &pusher), delivery).await
    })
    .await
}
