//! Wires payment-charge.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_CHARGE)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let gateway = adapters_stripe::gateway(&wiring)?;
    let (breaker, limit) = (adapters_redis::circuit_breaker(&wiring)?, wiring.attempt_limit()?);
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &payments)?, async |delivery| {
        payments.after(delivery.claim(), payment_charge::handle(&payments, &gateway, &breaker, limit, delivery)).await
    })
    .await
}
