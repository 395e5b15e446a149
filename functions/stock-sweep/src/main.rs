//! Wires stock-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_SWEEP)?;
    let stock = adapters_postgres::stock(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::schedule::run(wiring.function().name, async |tick| stock_sweep::handle(&stock, tick).await).await
}
