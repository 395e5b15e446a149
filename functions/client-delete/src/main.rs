//! Wires client-delete.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CLIENT_DELETE)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let revocations = adapters_redis::revocations(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        client_delete::handle(&users, &revocations, call).await
    })
    .await
}
