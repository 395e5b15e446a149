//! Wires image-add.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::IMAGE_ADD)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let objects = adapters_s3::images(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        image_add::handle(&products, &objects, call).await
    })
    .await
}
