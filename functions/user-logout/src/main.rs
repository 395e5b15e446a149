//! Wires user-logout.

use adapters_auth::RandomTokens;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_LOGOUT)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (revocations, cookie) = (adapters_redis::revocations(&wiring)?, wiring.refresh_cookie()?);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| user_logout::handle(&users, (&RandomTokens, &cookie), &revocations, call).await)
        .await
}
