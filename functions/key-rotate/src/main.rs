//! Wires key-rotate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::KEY_ROTATE)?;
    let tokens = adapters_auth::tokens(&wiring)?;
    edge::direct::run(wiring.function().name, async |call| key_rotate::handle(&tokens, call).await).await
}
