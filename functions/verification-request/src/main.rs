//! Wires verification-request.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::VERIFICATION_REQUEST)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let limits = wiring.message_limits()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        verification_request::handle(&users, &limits, call).await
    })
    .await
}
