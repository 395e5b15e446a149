//! Wires session-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SESSION_LIST)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::UnreachableBus)?;
    edge::http::run(wiring.route()?, async |call| session_list::handle(&users, call).await).await
}
