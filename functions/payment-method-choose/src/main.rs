//! Wires payment-method-choose.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_METHOD_CHOOSE)?;
    let methods = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        payment_method_choose::handle(&methods, call).await
    })
    .await
}
