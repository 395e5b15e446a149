//! Wires product-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_LIST)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let index = adapters_postgres::product_index(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        product_list::handle(&products, &index, call).await
    })
    .await
}
