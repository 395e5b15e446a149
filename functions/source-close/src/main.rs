//! Wires source-close.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SOURCE_CLOSE)?;
    let sources = adapters_postgres::sources(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| source_close::handle(&sources, call).await)
        .await
}
