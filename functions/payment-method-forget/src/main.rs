//! Wires payment-method-forget.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_METHOD_FORGET)?;
    let methods = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    let vault = adapters_stripe::gateway(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &methods)?, async |delivery| {
        methods.after(delivery.claim(), payment_method_forget::handle(&methods, &vault, delivery)).await
    })
    .await
}
