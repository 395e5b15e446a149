//! Wires payment-method-delete.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_METHOD_DELETE)?;
    let methods = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    let vault = adapters_stripe::gateway(&wiring)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        payment_method_delete::handle(&methods, &vault, call).await
    })
    .await
}
