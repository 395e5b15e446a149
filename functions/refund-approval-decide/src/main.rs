//! Wires refund-approval-decide.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::REFUND_APPROVAL_DECIDE)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let handler = async |call| refund_approval_decide::handle(&payments, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
