//! Wires image-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::IMAGE_GET)?;
    let objects = adapters_s3::images(&wiring)?;
    edge::http::run(wiring.route()?, async |call| image_get::handle(&objects, call).await).await
}
