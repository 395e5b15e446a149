//! Wires stock-allocate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_ALLOCATE)?;
    let stock = wiring.stock()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        stock_allocate::handle(&stock, delivery).await
    })
    .await
}
