//! `POST /api/v1/webhooks/payments`: results that the gateway reports by webhook, before, after or instead of its response.
//!
//! Returns 204 for a signed event that it processes or ignores, 401 without a valid signature, and 404 for an unknown payment. The claim on the gateway's event id commits with the
//! effect, so that a redelivery changes nothing. On an error the gateway redelivers the event.

use domain::{
    id::RefundId,
    payment::{self, Change, Payment},
};
use edge::{
    http::{Call, RawBody, Reply},
    telemetry::metrics,
};
use kernel::{Failure, FailureKind};
use ports::{Claim, PaymentStore, WebhookVerifier};
use services::advance_payment;

const SIGNATURE_HEADER: &str = "stripe-signature";

/// Processes one event. A duplicate charge is logged, counted and acknowledged.
pub async fn handle(
    payments: &impl PaymentStore,
    webhooks: &impl WebhookVerifier,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let Some(event) = webhooks.verify(call.header(SIGNATURE_HEADER), &call.body.bytes, call.now).await? else {
        return Ok(Reply::no_content());
    };
    let payment = payments.get(event.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))?;
    let decide = |payment: &Payment| {
        let refund = RefundId(call.ids.next());
        match payment::record_charge_outcome(payment, event.attempt, &event.outcome, refund, call.now) {
            // A second charge for the payment. Days of redeliveries would not resolve it: a person has to.
            Err(failure) if failure.kind == FailureKind::Conflict => {
                metrics::count("DuplicateCharge", 1);
                let (payment, attempt) = (payment.id, event.attempt);
                tracing::error!(%payment, attempt, error.message = %failure, "duplicate charge");
                Ok(None)
            }
            decision => decision,
        }
    };
    let wrap = |change: &Change| call.events(change.payment.id, change.payment.version, &change.events);
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id: event.id };
    advance_payment(payments, claim, payment, decide, wrap).await?;
    Ok(Reply::no_content())
}
