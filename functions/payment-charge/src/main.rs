//! Wires payment-charge.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_CHARGE)?;
    let (payments, gateway, breaker) = (wiring.payments()?, wiring.gateway()?, wiring.circuit_breaker()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        payment_charge::handle(&payments, &gateway, &breaker, delivery).await
    })
    .await
}
