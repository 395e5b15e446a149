//! Wires image-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::IMAGE_LIST)?;
    let products = adapters_dynamodb::products(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| image_list::handle(&products, call).await)
        .await
}
