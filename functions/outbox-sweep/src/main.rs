//! Wires outbox-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::OUTBOX_SWEEP)?;
    let outbox = wiring.outbox()?;
    edge::schedule::run(wiring.function().name, async |tick| outbox_sweep::handle(&outbox, tick).await).await
}
