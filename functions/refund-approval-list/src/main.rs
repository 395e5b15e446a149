//! Wires refund-approval-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::REFUND_APPROVAL_LIST)?;
    let payments = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    let handler = async |call| refund_approval_list::handle(&payments, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
