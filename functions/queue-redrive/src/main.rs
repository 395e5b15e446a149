//! Wires queue-redrive.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::QUEUE_REDRIVE)?;
    let queues = adapters_sqs::dead_letter_queues(&wiring)?;
    let log = adapters_kafka::every_topic(&wiring)?;
    let actions = adapters_postgres::operator_actions(&wiring)?;
    let statuses = adapters_postgres::event_records(&wiring)?;
    let handler = async |call| queue_redrive::handle(&queues, &log, &actions, &statuses, call).await;
    edge::http::run(edge::http::Audited::new(adapters_redis::limited_route(&wiring)?, &actions), handler).await
}
