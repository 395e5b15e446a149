//! Wires event-replay.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EVENT_REPLAY)?;
    let history = adapters_postgres::event_history(&wiring)?;
    let queues = adapters_sqs::consumer_queues(&wiring)?;
    let actions = adapters_postgres::operator_actions(&wiring)?;
    let handler = async |call| event_replay::handle(&history, &queues, &actions, call).await;
    edge::http::run(edge::http::Audited::new(adapters_redis::limited_route(&wiring)?, &actions), handler).await
}
