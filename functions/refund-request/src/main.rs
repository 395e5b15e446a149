//! Wires refund-request.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::REFUND_REQUEST)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let limit = wiring.refund_limit()?;
    let handler = async |call| refund_request::handle(&payments, limit, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
