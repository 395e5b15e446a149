//! Wires session-revoke.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SESSION_REVOKE)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let revocations = adapters_redis::revocations(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        session_revoke::handle(&users, &revocations, call).await
    })
    .await
}
