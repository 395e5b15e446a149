//! Wires jwks-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::JWKS_GET)?;
    let tokens = adapters_auth::token_verifier(&wiring)?;
    edge::http::run(wiring.route()?, async |call| jwks_get::handle(&tokens, call).await).await
}
