//! Wires operator-action-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::OPERATOR_ACTION_LIST)?;
    let log = adapters_postgres::operator_actions(&wiring)?;
    let handler = async |call| operator_action_list::handle(&log, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handler).await
}
