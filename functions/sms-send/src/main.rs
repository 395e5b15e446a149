//! Wires sms-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SMS_SEND)?;
    let (contacts, letters, texter) = (wiring.contacts()?, wiring.message_templates()?, wiring.sms_sender()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        sms_send::handle(&contacts, &letters, &texter, delivery).await
    })
    .await
}
