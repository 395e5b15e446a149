//! Makes a refund at the gateway. The refund is stored before the gateway is called, and its id is the gateway's idempotency key.

use domain::{
    DomainEvent,
    event::{self, RefundRequested},
    payment::{self, Payment, RefundOutcome},
};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::{CircuitBreaker, GATEWAY_REPLAYED_ERROR, Gateway, PaymentStore};
use services::{GatewayCall, MAX_OPTIMISTIC_RETRIES, call_gateway, retry_on_conflict};

/// Makes one refund. A rejection by the gateway is final and published. The queue retries while the gateway is unreachable; a refund
/// that is too old to retry becomes a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let request = match &delivery.event.event {
        DomainEvent::RefundRequested(request) => request,
        other => return Err(event::unexpected_event(other)),
    };
    let payment = get(payments, request).await?;
    let refund = payment.refund(request.refund_id).ok_or_else(|| Failure::not_found("refund"))?;
    if !payment::is_refund_due(refund, delivery.now)? {
        return Ok(());
    }
    let call = GatewayCall { now: delivery.now, ids: &delivery.ids, trace: &delivery.trace };
    let outcome = match call_gateway(breaker, payments, call, gateway.refund(&payment, refund)).await {
        // Repeating the request would return the stored error forever: only a lookup tells the result.
        Err(error) if error.code == GATEWAY_REPLAYED_ERROR => {
            let found = gateway.find_refund(&payment, refund).await?;
            found.or_else(|| payment::fail_refund_after_gateway_error(refund, delivery.now)).ok_or(error)?
        }
        outcome => outcome?,
    };
    if matches!(outcome, RefundOutcome::Failed(_)) {
        metrics::count("RefundsFailed", 1);
    }
    record_outcome(payments, payment, request, &outcome, &delivery).await
}

async fn record_outcome(
    payments: &impl PaymentStore,
    payment: Payment,
    request: &RefundRequested,
    outcome: &RefundOutcome,
    delivery: &Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let mut first = Some(payment);
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = match first.take() {
            Some(payment) => payment,
            None => get(payments, request).await?,
        };
        let change = payment::record_refund_outcome(&payment, request.refund_id, outcome, delivery.now)?;
        let Some(change) = change else { return Ok(Some(())) };
        let events = delivery.events(payment.id, change.payment.version, &change.events);
        Ok(payments.advance(Some(delivery.claim()), &change, &events).await?.unless_conflict())
    })
    .await
}

async fn get(payments: &impl PaymentStore, request: &RefundRequested) -> Result<Payment, Failure> {
    payments.get(request.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
