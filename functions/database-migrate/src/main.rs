//! Wires database-migrate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DATABASE_MIGRATE)?;
    let (migrations, passwords) = (wiring.migrations()?, wiring.passwords()?);
    edge::direct::run(wiring.function().name, async |call| {
        database_migrate::handle(&migrations, &passwords, call).await
    })
    .await
}
