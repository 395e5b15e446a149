//! Wires payment-process.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_PROCESS)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let limit = wiring.attempt_limit()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        payment_process::handle(&payments, limit, call).await
    })
    .await
}
