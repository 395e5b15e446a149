//! Wires revocation-sweep.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::REVOCATION_SWEEP)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let revocations = adapters_redis::revocations(&wiring)?;
    let handler = async |tick| revocation_sweep::handle(&users, &revocations, tick).await;
    edge::schedule::run(wiring.function().name, handler).await
}
