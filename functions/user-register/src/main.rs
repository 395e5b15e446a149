//! Wires user-register.

use services::NewPasswords;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_REGISTER)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let passwords = NewPasswords { passwords: &adapters_auth::Argon2Passwords, strength: &adapters_strength::Zxcvbn };
    let sources = adapters_auth::request_sources(&wiring)?;
    let (limits, budget) = (wiring.message_limits()?, wiring.registration_limit()?);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| {
        user_register::handle(&users, (&passwords, &sources), (&limits, budget), call).await
    })
    .await
}
