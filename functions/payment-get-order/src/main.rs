//! Wires payment-get-order.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_GET_ORDER)?;
    let payments = adapters_postgres::payments(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        payment_get_order::handle(&payments, call).await
    })
    .await
}
