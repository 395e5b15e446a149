//! Wires sms-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SMS_SEND)?;
    let (contacts, letters, texter) = (wiring.contacts()?, wiring.letters()?, wiring.texter()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        sms_send::handle(&contacts, &letters, &texter, delivery).await
    })
    .await
}
