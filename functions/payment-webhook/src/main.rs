//! Wires payment-webhook.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PAYMENT_WEBHOOK)?;
    let payments = adapters_postgres::payments(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    let (webhooks, gateway) = (adapters_stripe::webhook_verifier(&wiring)?, adapters_stripe::gateway(&wiring)?);
    let handler = async |call| payment_webhook::handle(&payments, &webhooks, &gateway, call).await;
    edge::http::run(wiring.route()?, handler).await
}
