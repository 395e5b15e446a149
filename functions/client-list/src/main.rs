//! Wires client-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CLIENT_LIST)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| client_list::handle(&users, call).await).await
}
