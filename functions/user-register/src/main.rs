//! Wires user-register.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::USER_REGISTER)?;
    let (users, passwords) = (wiring.users()?, wiring.passwords()?);
    edge::http::run(wiring.route()?, async |call| user_register::handle(&users, &passwords, call).await).await
}
