//! Makes a refund at the gateway. The refund is stored before the gateway is called, and its id is the gateway's idempotency key.

use domain::{
    DomainEvent,
    event::RefundRequested,
    id::RefundId,
    payment::{self, Payment, PaymentTransition},
};
use edge::{Delivery, telemetry::metrics};
use kernel::Failure;
use ports::{CircuitBreaker, Gateway, PaymentStore};
use services::{advance_payment, call_gateway, get_payment, record_all_refunds, staff_metrics};

/// Makes one refund. A rejection by the gateway is final and published; a refund of a cancelled order that the gateway never made is requested
/// again. The queue retries while the gateway is unreachable; a refund that is too old to retry becomes a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let request: &RefundRequested = delivery.event.event.payload()?;
    let payment = get_payment(payments, request.payment_id).await?;
    let refund = payment.refund(request.refund_id).ok_or_else(|| Failure::not_found("refund"))?;
    if !payment::is_refund_due(refund, delivery.now)? {
        return Ok(());
    }
    let look_up = async {
        let found = gateway.find_refund(&payment, refund).await?;
        Ok(found.or_else(|| payment::fail_refund_after_gateway_error(refund, delivery.now)))
    };
    let outcome =
        call_gateway(breaker, payments, delivery.context(), gateway.refund(&payment, refund), look_up).await?;
    let decide = |payment: &Payment| {
        payment::conclude_refund(payment, request.refund_id, &outcome, RefundId(delivery.ids.next()), delivery.now)
    };
    let charge = payment.transaction_id.clone().unwrap_or_default();
    match advance_payment(payments, delivery.claim(), payment.clone(), decide, delivery.context()).await {
        // A refund that a bank returned left room for this one.
        Err(failure) if failure.code == payment::REFUND_EXCEEDS_CHARGE => {
            let applied = &mut |change: &PaymentTransition| metrics::count_each(staff_metrics(change));
            record_all_refunds(payments, gateway, payment, &charge, delivery.context(), applied).await?;
        }
        applied => metrics::count_each(applied?.iter().flat_map(staff_metrics)),
    }
    Ok(())
}
