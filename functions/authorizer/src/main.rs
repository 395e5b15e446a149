//! Wires authorizer.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::AUTHORIZER)?;
    let tokens = adapters_auth::token_verifier(&wiring)?;
    let revocations = adapters_redis::revocations(&wiring)?;
    edge::authorizer::run(async |request| authorizer::handle(&tokens, &revocations, request).await).await
}
