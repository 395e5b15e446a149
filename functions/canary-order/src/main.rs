//! Wires canary-order.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CANARY_ORDER)?;
    let (accounts, storefront) = (adapters_secrets::canary_account(&wiring)?, adapters_http::storefront(&wiring)?);
    edge::schedule::run(wiring.function().name, async |tick| canary_order::handle(&accounts, &storefront, tick).await)
        .await
}
