//! Wires database-secret-rotate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::DATABASE_SECRET_ROTATE)?;
    let secrets = adapters_secrets::role_secrets(&wiring)?;
    let passwords = adapters_postgres::role_passwords(&wiring)?;
    edge::direct::run(wiring.function().name, async |call| {
        database_secret_rotate::handle(&secrets, &passwords, call).await
    })
    .await
}
