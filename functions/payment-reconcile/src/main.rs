//! Wires payment-reconcile.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_RECONCILE)?;
    let (payments, gateway) = (wiring.payments()?, wiring.gateway()?);
    edge::schedule::run(wiring.function().name, async |tick| payment_reconcile::handle(&payments, &gateway, tick).await)
        .await
}
