//! Wires order-timeline-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_TIMELINE_GET)?;
    let records = adapters_postgres::event_records(&wiring)?;
    let handler = async |call| order_timeline_get::handle(&records, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
