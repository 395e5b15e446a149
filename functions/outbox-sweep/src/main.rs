//! Wires outbox-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::OUTBOX_SWEEP)?;
    let outbox = adapters_postgres::outbox(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let mappings = adapters_lambda::consumer_mappings(&wiring)?;
    let handler = async |tick| outbox_sweep::handle(&outbox, &outbox, &mappings, tick).await;
    edge::schedule::run(wiring.function().name, handler).await
}
