//! Gives money back. The refund is kept before the gateway is asked, and its id is the gateway's idempotency key.

use domain::{
    DomainEvent, event,
    event::RefundRequested,
    payment::{self, Payment, RefundOutcome},
};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::{CircuitBreaker, Claim, Gateway, GatewayCall, PaymentStore, TransitionOutcome};

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Gives one refund back. Refused is final, and told; that the gateway does not answer is tried again through the queue; one that is
/// too old to be tried again is a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let asked = match &delivery.event.event {
        DomainEvent::RefundRequested(asked) => asked,
        other => return Err(event::unexpected_event(other)),
    };
    let payment = read(payments, asked).await?;
    let refund = payment.refund(asked.refund_id).ok_or_else(|| Failure::not_found("refund"))?;
    if !payment::is_refund_due(refund, delivery.now)? {
        return Ok(());
    }
    let asking = GatewayCall { now: delivery.now, ids: &delivery.ids, trace: &delivery.trace };
    let answer = match ports::call_gateway(breaker, payments, asking, gateway.refund(&payment, refund)).await {
        // The gateway holds a fault under the key: asking again will never tell what became of it.
        Err(fault) if fault.code == ports::GATEWAY_REPLAYED_ERROR => {
            let found = gateway.find_refund(&payment, refund).await?;
            found.or_else(|| payment::fail_refund_after_gateway_error(refund, delivery.now)).ok_or(fault)?
        }
        answer => answer?,
    };
    if matches!(answer, RefundOutcome::Failed(_)) {
        metrics::count("RefundsFailed", 1);
    }
    conclude(payments, payment, asked, &answer, &delivery).await
}

async fn conclude(
    payments: &impl PaymentStore,
    mut payment: Payment,
    asked: &RefundRequested,
    answer: &RefundOutcome,
    delivery: &Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let claim = Claim { consumer: catalog::PAYMENT_REFUND.name, event_id: delivery.event.id };
    let (now, trace) = (delivery.now, &delivery.trace);
    for _ in 0..=RACES {
        let Some(change) = payment::record_refund_outcome(&payment, asked.refund_id, answer, now)? else {
            return Ok(());
        };
        let version = change.payment.version;
        let events = event::wrap_all(&delivery.ids, payment.id, version, now, trace, &change.events);
        if payments.advance(Some(claim), &change, &events).await? != TransitionOutcome::VersionConflict {
            return Ok(());
        }
        payment = read(payments, asked).await?;
    }
    Err(Failure::unavailable("payment", format!("other steps of {} were faster each time", payment.id)))
}

async fn read(payments: &impl PaymentStore, asked: &RefundRequested) -> Result<Payment, Failure> {
    payments.get(asked.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
