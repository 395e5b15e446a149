//! Wires user-register.

use services::NewPasswords;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_REGISTER)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let limits = wiring.message_limits()?;
    let passwords = NewPasswords { passwords: &adapters_auth::Argon2Passwords, strength: &adapters_strength::Zxcvbn };
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_register::handle(&users, &passwords, &limits, call).await
    })
    .await
}
