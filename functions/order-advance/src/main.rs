//! Wires order-advance.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_ADVANCE)?;
    let (orders, policy) = (wiring.orders()?, wiring.shortfall_policy()?);
    edge::queue::run(wiring.consumer()?, &wiring.dead_letters()?, async |delivery| {
        order_advance::handle(&orders, policy, delivery).await
    })
    .await
}
