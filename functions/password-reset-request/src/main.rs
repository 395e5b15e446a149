//! Wires password-reset-request.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PASSWORD_RESET_REQUEST)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| password_reset_request::handle(&users, call).await).await
}
