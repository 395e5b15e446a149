//! Wires user-login.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_LOGIN)?;
    let (users, passwords, tokens) = (wiring.without_bus().users()?, wiring.passwords()?, wiring.tokens()?);
    edge::http::run(wiring.route()?, async |call| user_login::handle(&users, &passwords, &tokens, call).await).await
}
