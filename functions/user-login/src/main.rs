//! Wires user-login.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_LOGIN)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (passwords, sources) = (adapters_auth::Argon2Passwords, adapters_auth::request_sources(&wiring)?);
    let passwords = services::LoginThrottle::new(&users, &passwords, &sources);
    let policy = wiring.mfa_policy()?;
    let (tokens, cookie) = (adapters_auth::tokens(&wiring)?, wiring.refresh_cookie()?);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| {
        user_login::handle(&users, (&passwords, &policy), (&tokens, &cookie), call).await
    })
    .await
}
