//! `POST /api/v1/webhooks/payments`: what the gateway reports by webhook, before, after or instead of its response.
//!
//! Returns 204 for every signed event, and 401 without a valid signature: the gateway disables an endpoint that keeps rejecting events.
//! The result of a charge commits with a claim on the gateway's event id, and refunds and disputes are known by the
//! gateway's id, so that a redelivery changes nothing. On an error (5xx) the gateway redelivers the event.

use domain::{
    id::RefundId,
    payment::{self, Change, ChargeOutcome, Payment, ReportedDispute, ReportedRefund},
};
use edge::{
    http::{Call, RawBody, Reply},
    telemetry::metrics,
};
use kernel::{Failure, FailureKind, Uuid};
use ports::{Claim, Gateway, GatewayReport, PaymentStore, WebhookVerifier};
use services::{advance_payment, staff_metrics};

const SIGNATURE_HEADER: &str = "stripe-signature";

/// Processes one event. An event about a payment of another environment on the same account, a duplicate charge and a movement of
/// another amount than was asked are counted and acknowledged.
pub async fn handle(
    payments: &impl PaymentStore,
    webhooks: &impl WebhookVerifier,
    gateway: &impl Gateway,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let Some(event) = webhooks.verify(call.header(SIGNATURE_HEADER), &call.body.bytes, call.now).await? else {
        return Ok(Reply::no_content());
    };
    let (payment, subject) = match &event.report {
        GatewayReport::Charge { payment_id: id, .. } | GatewayReport::Refunds { payment_id: Some(id), .. } => {
            (payments.get(*id, None).await?, id.to_string())
        }
        GatewayReport::Refunds { charge, .. } | GatewayReport::Dispute(ReportedDispute { charge, .. }) => {
            (payments.find_by_transaction(charge).await?, charge.clone())
        }
    };
    let Some(payment) = payment else {
        metrics::count("WebhooksOfOthers", 1);
        tracing::warn!(subject, "event about an unknown payment");
        return Ok(Reply::no_content());
    };
    match event.report {
        GatewayReport::Charge { attempt, outcome, .. } => {
            record_charge(payments, payment, attempt, &outcome, event.id, &call).await?;
        }
        GatewayReport::Refunds { refunds: Some(refunds), .. } => {
            record_refunds(payments, payment, &refunds, &call).await?;
        }
        GatewayReport::Refunds { charge, .. } => {
            record_refunds(payments, payment, &gateway.refunds_of(&charge).await?, &call).await?;
        }
        GatewayReport::Dispute(dispute) => {
            let decide = |payment: &Payment| payment::record_dispute(payment, &dispute, call.now);
            advance(payments, None, payment, decide, &call).await?;
        }
    }
    Ok(Reply::no_content())
}

async fn record_charge(
    payments: &impl PaymentStore,
    payment: Payment,
    attempt: u32,
    outcome: &ChargeOutcome,
    event_id: Uuid,
    call: &Call<RawBody>,
) -> Result<(), Failure> {
    let decide = |payment: &Payment| {
        let refund = RefundId(call.ids.next());
        match payment::record_charge_outcome(payment, attempt, outcome, refund, call.now) {
            // A second charge for the payment. Days of redeliveries would not resolve it: a person has to.
            Err(failure) if failure.kind == FailureKind::Conflict => {
                metrics::count("DuplicateCharge", 1);
                tracing::error!(payment = %payment.id, attempt, error.message = %failure, "duplicate charge");
                Ok(None)
            }
            decision => decision,
        }
    };
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id };
    advance(payments, Some(claim), payment, decide, call).await.map(drop)
}

/// Records the refunds one by one, each in a transition of its own.
async fn record_refunds(
    payments: &impl PaymentStore,
    mut payment: Payment,
    refunds: &[ReportedRefund],
    call: &Call<RawBody>,
) -> Result<(), Failure> {
    for refund in refunds {
        let id = RefundId(call.ids.next());
        let decide = |payment: &Payment| payment::record_reported_refund(payment, refund, id, call.now);
        if let Some(change) = advance(payments, None, payment.clone(), decide, call).await? {
            payment = change.payment;
        }
    }
    Ok(())
}

async fn advance(
    payments: &impl PaymentStore,
    claim: Option<Claim>,
    payment: Payment,
    decide: impl FnMut(&Payment) -> Result<Option<Change>, Failure>,
    call: &Call<RawBody>,
) -> Result<Option<Change>, Failure> {
    let applied = advance_payment(payments, claim, payment, decide, call.context()).await?;
    applied.iter().flat_map(staff_metrics).for_each(|name| metrics::count(name, 1));
    Ok(applied)
}
