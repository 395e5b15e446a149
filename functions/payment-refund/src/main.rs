//! Wires payment-refund.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_REFUND)?;
    let (payments, gateway, breaker) = (wiring.payments()?, wiring.gateway()?, wiring.circuit_breaker()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        payment_refund::handle(&payments, &gateway, &breaker, delivery).await
    })
    .await
}
