//! Wires password-reset-confirm.

use services::NewPasswords;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PASSWORD_RESET_CONFIRM)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let tokens = adapters_auth::RandomTokens;
    let passwords = NewPasswords { passwords: &adapters_auth::Argon2Passwords, strength: &adapters_strength::Zxcvbn };
    let revocations = adapters_redis::revocations(&wiring)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| {
        password_reset_confirm::handle(&users, (&passwords, &tokens), &revocations, call).await
    })
    .await
}
