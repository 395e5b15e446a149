//! Wires totp-confirm.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TOTP_CONFIRM)?;
    let users = adapters_postgres::users(&wiring, adapters_postgres::NoEvents)?;
    let codes = adapters_auth::totp_codes(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        totp_confirm::handle(&users, &codes, call).await
    })
    .await
}
