//! Wires push-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PUSH_SEND)?;
    let (contacts, letters, pusher) = (wiring.contacts()?, wiring.message_templates()?, wiring.push_sender()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        push_send::handle(&contacts, &letters, &pusher, delivery).await
    })
    .await
}
