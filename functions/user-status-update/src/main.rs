//! Wires user-status-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_STATUS_UPDATE)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let revocations = adapters_redis::revocations(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        user_status_update::handle(&users, &revocations, call).await
    })
    .await
}
