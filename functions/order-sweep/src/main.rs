//! Wires order-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_SWEEP)?;
    let orders = adapters_postgres::orders(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::schedule::run(wiring.function().name, async |tick| order_sweep::handle(&orders, &orders, tick).await).await
}
