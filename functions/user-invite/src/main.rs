//! Wires user-invite.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_INVITE)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (passwords, tokens) = (adapters_auth::Argon2Passwords, adapters_auth::RandomTokens);
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_invite::handle(&users, &passwords, &tokens, call).await
    })
    .await
}
