//! Wires product-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_LIST)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let index = adapters_postgres::product_index(&wiring)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| product_list::handle(&products, &index, call).await).await
}
