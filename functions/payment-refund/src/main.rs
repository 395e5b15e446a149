//! Wires payment-refund.

use ports::HandledEvents as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_REFUND)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let gateway = adapters_stripe::gateway(&wiring)?;
    let breaker = adapters_redis::circuit_breaker(&wiring)?;
    edge::queue::run(wiring.consumer()?, &adapters_sqs::recorded_dead_letters(&wiring, &payments)?, async |delivery| {
        payments.after(delivery.claim(), payment_refund::handle(&payments, &gateway, &breaker, delivery)).await
    })
    .await
}
