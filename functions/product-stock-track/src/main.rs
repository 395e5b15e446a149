//! Wires product-stock-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_STOCK_TRACK)?;
    let (products, cache) = (wiring.products()?, wiring.cache()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        product_stock_track::handle(&products, &cache, delivery).await
    })
    .await
}
