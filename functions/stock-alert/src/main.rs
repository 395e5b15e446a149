//! Wires stock-alert.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::STOCK_ALERT)?;
    let stock = wiring.stock()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        stock_alert::handle(&stock, delivery).await
    })
    .await
}
