//! Wires key-rotate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::KEY_ROTATE)?;
    let (keys, counter_key) = (adapters_auth::signing_keys(&wiring)?, adapters_auth::counter_key(&wiring)?);
    let sealing = adapters_auth::sealer(&wiring)?;
    edge::direct::run(wiring.function().name, async |call| {
        key_rotate::handle(&keys, &sealing, &counter_key, call).await
    })
    .await
}
