//! Charges the payment of an order whose stock is reserved, and again when the customer retries a declined payment.
//!
//! The payment is stored before the gateway is called, and the attempt is part of the gateway's idempotency key: redeliveries and
//! crashes charge at most once per attempt. The gateway stores its keys for a day, so an older attempt is not charged again. Before another
//! attempt is charged, earlier ones that wait for the customer are cancelled if the gateway can; a charge of one of them is refunded.

use domain::{
    DomainEvent, event,
    id::{PaymentId, RefundId},
    payment::{self, AttemptLimit, Payment},
};
use edge::{
    Delivery,
    telemetry::{self, metrics},
};
use kernel::Failure;
use ports::{CircuitBreaker, Gateway, PaymentStore};
use services::{Certainty, advance_payment, call_gateway, get_payment, look_up_charge, staff_metrics};

/// Charges one payment. Without the gateway, it is declined if too many attempts of the customer failed, and confirmed if the order costs
/// nothing. A decline is final for the attempt. An answer that states another amount than was asked is recorded for review and
/// confirms nothing. The queue retries while the gateway is unreachable; an attempt that is too old to retry becomes a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    limit: AttemptLimit,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (payment, attempt) = match &delivery.event.event {
        DomainEvent::StockReserved(stock) => {
            let payment = payment::begin(PaymentId(delivery.ids.next()), stock, delivery.now);
            // An order that costs nothing is no attempt to pay.
            let limit = (!payment.is_free()).then_some(limit);
            (payments.begin(&payment, limit).await?, 1)
        }
        DomainEvent::PaymentRequested(request) => (get_payment(payments, request.payment_id).await?, request.attempt),
        other => return Err(event::unexpected_event(other)),
    };
    if payment.is_refused() || payment.is_free() {
        let decide = |payment: &Payment| Ok(payment::end_without_gateway_call(payment, delivery.now));
        return advance_payment(payments, delivery.claim(), payment, decide, delivery.context()).await.map(drop);
    }
    if !payment::is_due(&payment, attempt, delivery.now)? {
        return Ok(());
    }
    let look_up = async {
        let failed = payment::fail_charge_after_gateway_error(&payment, delivery.now);
        let certainty = if failed.is_some() { Certainty::Proof } else { Certainty::Hint };
        Ok(look_up_charge(gateway, &payment, certainty, delivery.now).await?.or(failed))
    };
    let request = async {
        if attempt > 1
            && let Err(failure) = gateway.cancel_earlier_attempts(&payment).await
        {
            telemetry::log_failure("cancelling earlier attempts", &failure);
        }
        gateway.charge(&payment).await
    };
    let outcome = call_gateway(breaker, payments, delivery.context(), request, look_up).await?;
    let decide = |payment: &Payment| {
        payment::record_charge_outcome(payment, attempt, &outcome, RefundId(delivery.ids.next()), delivery.now)
    };
    let applied = advance_payment(payments, delivery.claim(), payment, decide, delivery.context()).await?;
    metrics::count_each(applied.iter().flat_map(staff_metrics));
    Ok(())
}
