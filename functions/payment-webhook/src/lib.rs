//! `POST /api/v1/webhooks/payments`: results that the gateway reports by webhook, before, after or instead of its response.
//!
//! Returns 204 for every event that the gateway signed, and 401 for any other body. The claim on the gateway's event id commits with the
//! effect, so that a redelivery changes nothing. On an error the gateway redelivers the event.

use domain::{id::RefundId, payment};
use edge::{
    http::{Call, RawBody, Reply},
    telemetry::metrics,
};
use kernel::{Failure, FailureKind};
use ports::{Claim, GatewayEvent, PaymentStore, WebhookVerifier};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

const SIGNATURE: &str = "stripe-signature";

/// Processes one event. A duplicate charge is logged, counted and acknowledged.
pub async fn handle(
    payments: &impl PaymentStore,
    webhooks: &impl WebhookVerifier,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let event = webhooks.verify(call.header(SIGNATURE), &call.body.bytes, call.now).await?;
    if let Some(event) = event {
        retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || record_outcome(payments, &event, &call).await)
            .await?;
    }
    Ok(Reply::no_content())
}

/// `None` after a version conflict.
async fn record_outcome(
    payments: &impl PaymentStore,
    event: &GatewayEvent,
    call: &Call<RawBody>,
) -> Result<Option<()>, Failure> {
    let payment = payments.get(event.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))?;
    let refund = RefundId(call.ids.next());
    let change = match payment::record_charge_outcome(&payment, event.attempt, &event.answer, refund, call.now) {
        Ok(Some(change)) => change,
        Ok(None) => return Ok(Some(())),
        // A second charge for the payment. Days of redeliveries would not resolve it: a person has to.
        Err(failure) if failure.kind == FailureKind::Conflict => {
            metrics::count("DuplicateCharge", 1);
            tracing::error!(payment = %payment.id, attempt = event.attempt, error.message = %failure, "duplicate charge");
            return Ok(Some(()));
        }
        Err(failure) => return Err(failure),
    };
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id: event.id };
    let events = call.events(payment.id, change.payment.version, &change.events);
    Ok(payments.advance(Some(claim), &change, &events).await?.unless_conflict())
}
