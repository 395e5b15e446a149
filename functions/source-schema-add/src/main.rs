//! Wires source-schema-add.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SOURCE_SCHEMA_ADD)?;
    let (sources, records) = (adapters_postgres::sources(&wiring)?, adapters_postgres::records(&wiring)?);
    let schemas = adapters_schemas::JsonSchemas::default();
    let handle = async |call| source_schema_add::handle(&sources, &records, &schemas, call).await;
    edge::http::run(adapters_redis::limited_route(&wiring)?, handle).await
}
