//! Wires notification-send.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::NOTIFICATION_SEND)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let limits = wiring.message_limits()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        notification_send::handle(&contacts, &limits, call).await
    })
    .await
}
