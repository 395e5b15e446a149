//! Wires record-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECORD_CREATE)?;
    let (intake, log) = (adapters_postgres::sources(&wiring)?, adapters_kafka::record_log(&wiring)?);
    let (schemas, backlog) = (adapters_schemas::JsonSchemas::default(), wiring.record_backlog()?);
    let handle = async |call| record_create::handle(&intake, &log, &schemas, backlog, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
