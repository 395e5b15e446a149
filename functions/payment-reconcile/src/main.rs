//! Wires payment-reconcile.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_RECONCILE)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let gateway = adapters_stripe::gateway(&wiring)?;
    edge::schedule::run(wiring.function().name, async |tick| payment_reconcile::handle(&payments, &gateway, tick).await)
        .await
}
