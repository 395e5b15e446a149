//! Wires password-change.

use services::{LoginThrottle, NewPasswords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PASSWORD_CHANGE)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let (passwords, sources) = (adapters_auth::Argon2Passwords, adapters_auth::request_sources(&wiring)?);
    let revocations = adapters_redis::revocations(&wiring)?;
    let new = NewPasswords { passwords: &passwords, strength: &adapters_strength::Zxcvbn };
    let old = LoginThrottle::new(&users, &passwords, &sources);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        password_change::handle(&users, (&old, &new), &revocations, call).await
    })
    .await
}
