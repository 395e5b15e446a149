//! Wires outbox-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::OUTBOX_SWEEP)?;
    let outbox = adapters_postgres::outbox(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::schedule::run(wiring.function().name, async |tick| outbox_sweep::handle(&outbox, &outbox, tick).await).await
}
