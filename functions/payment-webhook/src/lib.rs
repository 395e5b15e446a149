//! `POST /api/v1/webhooks/payments`: what the gateway reports by webhook, before, after or instead of its response.
//!
//! Returns 204 for every signed event, and 401 without a valid signature: the gateway disables an endpoint that keeps rejecting events.
//! A redelivery changes nothing. On an error (5xx) the gateway redelivers the event.

use domain::payment::PaymentTransition;
use edge::{
    http::{Call, RawBody, Reply},
    telemetry::metrics,
};
use kernel::{Claim, Failure};
use ports::{Gateway, PaymentStore, WebhookVerifier};
use services::{ReportOutcome, record_report, staff_metrics};

const SIGNATURE_HEADER: &str = "stripe-signature";

/// Processes one event. A charge in addition to the payment's own is refunded. An event about a payment of another environment on the same
/// account, a duplicate charge that the gateway does not refund and a movement of another amount than was asked are counted and
/// acknowledged.
pub async fn handle(
    payments: &impl PaymentStore,
    webhooks: &impl WebhookVerifier,
    gateway: &impl Gateway,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let Some(event) = webhooks.verify(call.header(SIGNATURE_HEADER), &call.body.bytes, call.now).await? else {
        return Ok(Reply::no_content());
    };
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id: event.id };
    let applied = |change: &PaymentTransition| metrics::count_each(staff_metrics(change));
    match record_report(payments, gateway, claim, event.report, call.context(), applied).await? {
        ReportOutcome::Recorded => {}
        ReportOutcome::DuplicateReturned => metrics::count("DuplicateChargesReturned", 1),
        ReportOutcome::DuplicateCharge(failure) => {
            metrics::count("DuplicateCharge", 1);
            tracing::error!(failure.code, failure.detail, failure.internal, "duplicate charge");
        }
        ReportOutcome::UnknownPayment(subject) => {
            metrics::count("WebhooksOfOthers", 1);
            tracing::warn!(subject, "event about an unknown payment");
        }
    }
    Ok(Reply::no_content())
}
