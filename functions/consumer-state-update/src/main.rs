//! Wires consumer-state-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CONSUMER_STATE_UPDATE)?;
    let mappings = adapters_lambda::consumer_mappings(&wiring)?;
    let actions = adapters_postgres::operator_actions(&wiring)?;
    let handler = async |call| consumer_state_update::handle(&mappings, &actions, call).await;
    edge::http::run(edge::http::Audited::new(adapters_redis::limited_route(&wiring)?, &actions), handler).await
}
