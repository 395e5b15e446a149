//! Wires order-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_SWEEP)?;
    let orders = wiring.orders()?;
    edge::schedule::run(wiring.function().name, async |tick| order_sweep::handle(&orders, tick).await).await
}
