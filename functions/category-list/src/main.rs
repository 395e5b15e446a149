//! Wires category-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CATEGORY_LIST)?;
    let index = adapters_postgres::product_index(&wiring)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| category_list::handle(&index, call).await).await
}
