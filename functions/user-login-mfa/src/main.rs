//! Wires user-login-mfa.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_LOGIN_MFA)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (codes, tokens) = (adapters_auth::totp_codes(&wiring)?, adapters_auth::tokens(&wiring)?);
    let (sources, cookie) = (adapters_auth::request_sources(&wiring)?, wiring.refresh_cookie()?);
    let factors = services::LoginThrottle::new(&users, &codes, &sources);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| user_login_mfa::handle(&users, &factors, (&tokens, &cookie), call).await).await
}
