//! Wires ledger-reconcile.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::LEDGER_RECONCILE)?;
    let (ledger, gateway) = (wiring.ledger()?, wiring.gateway()?);
    edge::schedule::run(wiring.function().name, async |tick| ledger_reconcile::handle(&ledger, &gateway, tick).await)
        .await
}
