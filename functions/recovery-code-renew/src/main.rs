//! Wires recovery-code-renew.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::RECOVERY_CODE_RENEW)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (codes, sources) = (adapters_auth::totp_codes(&wiring)?, adapters_auth::request_sources(&wiring)?);
    let factors = services::LoginThrottle::new(&users, &codes, &sources);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        recovery_code_renew::handle(&users, &factors, &codes, call).await
    })
    .await
}
