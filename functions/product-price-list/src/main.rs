//! Wires product-price-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_PRICE_LIST)?;
    let index = adapters_postgres::product_index(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        product_price_list::handle(&index, call).await
    })
    .await
}
