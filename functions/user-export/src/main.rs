//! Wires user-export.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_EXPORT)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| user_export::handle(&users, call).await).await
}
