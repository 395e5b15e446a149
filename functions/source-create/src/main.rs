//! Wires source-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SOURCE_CREATE)?;
    let (sources, schemas) = (adapters_postgres::sources(&wiring)?, adapters_schemas::JsonSchemas::default());
    let handle = async |call| source_create::handle(&sources, &schemas, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
