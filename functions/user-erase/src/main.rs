//! Wires user-erase.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_ERASE)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (passwords, sources) = (adapters_auth::Argon2Passwords, adapters_auth::request_sources(&wiring)?);
    let revocations = adapters_redis::revocations(&wiring)?;
    let own = services::LoginThrottle::new(&users, &passwords, &sources);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_erase::handle(&users, &own, &revocations, call).await
    })
    .await
}
