//! Wires image-delete.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::IMAGE_DELETE)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let cache = adapters_redis::cache(&wiring)?;
    let objects = adapters_s3::images(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        image_delete::handle(&products, &cache, &objects, call).await
    })
    .await
}
