//! Wires notification-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::NOTIFICATION_LIST)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        notification_list::handle(&contacts, call).await
    })
    .await
}
