//! Wires token-refresh.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOKEN_REFRESH)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (tokens, cookie) = (adapters_auth::tokens(&wiring)?, wiring.refresh_cookie()?);
    let (revocations, policy) = (adapters_redis::revocations(&wiring)?, wiring.mfa_policy()?);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| {
        token_refresh::handle(&users, (&tokens, &cookie), (&revocations, &policy), call).await
    })
    .await
}
