//! Wires refund-request.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::REFUND_REQUEST)?;
    let payments = wiring.payments()?;
    edge::http::run(wiring.route()?, async |call| refund_request::handle(&payments, call).await).await
}
