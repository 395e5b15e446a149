//! Wires contact-verify.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::CONTACT_VERIFY)?;
    let users = adapters_postgres::users(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let tokens = adapters_auth::RandomTokens;
    let route = adapters_redis::limited_route(&wiring)?.behind(adapters_auth::distribution(&wiring)?);
    edge::http::run(route, async |call| contact_verify::handle(&users, &tokens, call).await).await
}
