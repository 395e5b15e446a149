//! Wires client-create.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CLIENT_CREATE)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let sealer = adapters_auth::sealer(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        client_create::handle(&users, &adapters_auth::RandomTokens, &sealer, call).await
    })
    .await
}
