//! Wires queue-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::QUEUE_LIST)?;
    let queues = adapters_sqs::queue_depths(&wiring)?;
    let mappings = adapters_lambda::consumer_mappings(&wiring)?;
    let handler = async |call| queue_list::handle(&queues, &mappings, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
