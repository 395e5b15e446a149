//! Wires product-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_GET)?;
    let (products, cache) = (wiring.products()?, wiring.cache()?);
    edge::http::run(wiring.route()?, async |call| product_get::handle(&products, &cache, call).await).await
}
