//! Wires database-migrate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DATABASE_MIGRATE)?;
    let migrations = adapters_postgres::migrations(&wiring)?;
    let passwords = adapters_auth::Argon2Passwords;
    edge::direct::run(wiring.function().name, async |call| {
        database_migrate::handle(&migrations, &passwords, call).await
    })
    .await
}
