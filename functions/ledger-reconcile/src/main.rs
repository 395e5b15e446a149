//! Wires ledger-reconcile.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::LEDGER_RECONCILE)?;
    let ledger = adapters_postgres::ledger(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let gateway = adapters_stripe::gateway(&wiring)?;
    edge::schedule::run(wiring.function().name, async |tick| ledger_reconcile::handle(&ledger, &gateway, tick).await)
        .await
}
