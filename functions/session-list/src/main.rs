//! Wires session-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SESSION_LIST)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| session_list::handle(&users, call).await)
        .await
}
