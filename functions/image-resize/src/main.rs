//! Wires image-resize.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::IMAGE_RESIZE)?;
    let products = adapters_dynamodb::products(&wiring)?;
    let objects = adapters_s3::images(&wiring)?;
    edge::objects::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |object| {
        image_resize::handle(&products, &objects, &adapters_images::Images, object).await
    })
    .await
}
