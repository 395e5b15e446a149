//! Wires contact-track.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CONTACT_TRACK)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &contacts)?, async |delivery| {
        contacts.attempt(delivery.claim(), contact_track::handle(&contacts, delivery)).await
    })
    .await
}
