//! Gives money back. The refund is kept before the gateway is asked, and its id is the gateway's idempotency key.

use domain::{
    DomainEvent, event,
    event::RefundRequested,
    payment::{self, Payment, RefundAnswer},
};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::{Advanced, Asking, Breaker, Claim, Gateway, PaymentStore};

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Gives one refund back. Refused is final, and told; that the gateway does not answer is tried again through the queue; one that is
/// too old to be tried again is a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl Breaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let asked = match &delivery.event.event {
        DomainEvent::RefundRequested(asked) => asked,
        other => return Err(event::unexpected(other)),
    };
    let payment = read(payments, asked).await?;
    let refund = payment.refund(asked.refund_id).ok_or_else(|| Failure::not_found("refund"))?;
    if !payment::is_refund_due(refund, delivery.now)? {
        return Ok(());
    }
    let asking = Asking { now: delivery.now, ids: &delivery.ids, trace: &delivery.trace };
    let answer = match ports::guarded(breaker, payments, asking, gateway.refund(&payment, refund)).await {
        // The gateway holds a fault under the key: asking again will never tell what became of it.
        Err(fault) if fault.code == ports::KEPT_FAULT => {
            let found = gateway.find_refund(&payment, refund).await?;
            found.or_else(|| payment::refund_given_up(refund, delivery.now)).ok_or(fault)?
        }
        answer => answer?,
    };
    if matches!(answer, RefundAnswer::Refused(_)) {
        metrics::count("RefundsFailed", 1);
    }
    conclude(payments, payment, asked, &answer, &delivery).await
}

async fn conclude(
    payments: &impl PaymentStore,
    mut payment: Payment,
    asked: &RefundRequested,
    answer: &RefundAnswer,
    delivery: &Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let claim = Claim { consumer: catalog::PAYMENT_REFUND.name, event_id: delivery.event.id };
    let (now, trace) = (delivery.now, &delivery.trace);
    for _ in 0..=RACES {
        let Some(change) = payment::conclude_refund(&payment, asked.refund_id, answer, now)? else { return Ok(()) };
        let version = change.payment.version;
        let events = event::envelop_all(&delivery.ids, payment.id, version, now, trace, &change.events);
        if payments.advance(Some(claim), &change, &events).await? != Advanced::Overtaken {
            return Ok(());
        }
        payment = read(payments, asked).await?;
    }
    Err(Failure::unavailable("payment", format!("other steps of {} were faster each time", payment.id)))
}

async fn read(payments: &impl PaymentStore, asked: &RefundRequested) -> Result<Payment, Failure> {
    payments.get(asked.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
