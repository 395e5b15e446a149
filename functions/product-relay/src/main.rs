//! Wires product-relay.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PRODUCT_RELAY)?;
    let bus = wiring.bus()?;
    edge::dynamodb::run(wiring.consumer()?, &wiring.dead_letters()?, async |change| {
        product_relay::handle(&bus, adapters::product_from_image, change).await
    })
    .await
}
