//! Wires payment-webhook.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_WEBHOOK)?;
    let (payments, webhooks) = (wiring.payments()?, wiring.webhook_verifier()?);
    edge::http::run(wiring.route()?, async |call| payment_webhook::handle(&payments, &webhooks, call).await).await
}
