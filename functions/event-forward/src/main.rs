//! Wires event-forward.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_FORWARD)?;
    let event_log = wiring.event_log()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        event_forward::handle(&event_log, delivery).await
    })
    .await
}
