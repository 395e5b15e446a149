//! Wires payment-close.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_CLOSE)?;
    let payments = wiring.payments()?;
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        payment_close::handle(&payments, delivery).await
    })
    .await
}
