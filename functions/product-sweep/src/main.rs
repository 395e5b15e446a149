//! Wires product-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_SWEEP)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let events = adapters_postgres::events(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let run = async |tick| product_sweep::handle(&products, &events, &events, tick).await;
    edge::schedule::run(wiring.function().name, run).await
}
