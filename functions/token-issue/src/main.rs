//! Wires token-issue.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOKEN_ISSUE)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let tokens = adapters_auth::tokens(&wiring)?;
    let (secrets, sources) = (adapters_auth::RandomTokens, adapters_auth::request_sources(&wiring)?);
    let clients = services::LoginThrottle::new(&users, &secrets, &sources);
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| token_issue::handle(&clients, &tokens, call).await).await
}
