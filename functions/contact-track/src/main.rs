//! Wires contact-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CONTACT_TRACK)?;
    let contacts = wiring.without_bus().contacts()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        contact_track::handle(&contacts, delivery).await
    })
    .await
}
