//! Wires user-logout.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_LOGOUT)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::UnreachableBus)?;
    let (revocations, cookie) = (adapters_redis::revocations(&wiring)?, wiring.refresh_cookie()?);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_logout::handle(&users, &revocations, &cookie, call).await
    })
    .await
}
