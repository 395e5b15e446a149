//! Wires user-register.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_REGISTER)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (passwords, limits) = (adapters_auth::Argon2Passwords, wiring.message_limits()?);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_register::handle(&users, &passwords, &limits, call).await
    })
    .await
}
