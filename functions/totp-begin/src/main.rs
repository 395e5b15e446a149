//! Wires totp-begin.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOTP_BEGIN)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (passwords, sources) = (adapters_auth::Argon2Passwords, adapters_auth::request_sources(&wiring)?);
    let codes = adapters_auth::totp_codes(&wiring)?;
    let passwords = services::LoginThrottle::new(&users, &passwords, &sources);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        totp_begin::handle(&users, &passwords, &codes, call).await
    })
    .await
}
