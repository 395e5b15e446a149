//! Wires payment-restore.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_RESTORE)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    // A connection of its own: an operator invokes this function once in years.
    let ledger = adapters_postgres::ledger(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let gateway = adapters_stripe::gateway(&wiring)?;
    edge::direct::run(wiring.function().name, async |call| {
        payment_restore::handle(&payments, &ledger, &gateway, call).await
    })
    .await
}
