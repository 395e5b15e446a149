//! Wires payment-webhook.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_WEBHOOK)?;
    let (payments, mail) = (wiring.payments()?, wiring.gateway_mail()?);
    edge::http::run(wiring.route()?, async |call| payment_webhook::handle(&payments, &mail, call).await).await
}
