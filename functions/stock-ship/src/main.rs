//! Wires stock-ship.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_SHIP)?;
    let stock = wiring.stock()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        stock_ship::handle(&stock, delivery).await
    })
    .await
}
