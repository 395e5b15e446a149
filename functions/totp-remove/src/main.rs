//! Wires totp-remove.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOTP_REMOVE)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (passwords, sources) = (adapters_auth::Argon2Passwords, adapters_auth::request_sources(&wiring)?);
    let codes = adapters_auth::totp_codes(&wiring)?;
    let (revocations, policy) = (adapters_redis::revocations(&wiring)?, wiring.mfa_policy()?);
    let passwords = services::LoginThrottle::new(&users, &passwords, &sources);
    let factors = services::LoginThrottle::new(&users, &codes, &sources);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        totp_remove::handle(&users, (&passwords, &factors), (&revocations, &policy), call).await
    })
    .await
}
