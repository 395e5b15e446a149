//! Wires password-reset-request.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PASSWORD_RESET_REQUEST)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        password_reset_request::handle(&users, call).await
    })
    .await
}
