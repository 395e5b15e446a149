//! Wires dead-letter-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DEAD_LETTER_LIST)?;
    let queues = adapters_sqs::dead_letter_queues(&wiring)?;
    let statuses = adapters_postgres::event_records(&wiring)?;
    let handler = async |call| dead_letter_list::handle(&queues, &statuses, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
