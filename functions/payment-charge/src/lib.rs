//! Charges the payment of an order whose stock is reserved, and again when the customer retries a declined payment.
//!
//! The payment is stored before the gateway is called, and the attempt is part of the gateway's idempotency key: redeliveries and
//! crashes charge at most once per attempt. The gateway stores its keys for a day, so an older attempt is not charged again.

use domain::{
    DomainEvent, event,
    id::{PaymentId, RefundId},
    payment::{self, Change, ChargeOutcome, Payment},
};
use edge::{Delivery, telemetry::metrics};
use kernel::{Failure, Timestamp};
use ports::{CircuitBreaker, GATEWAY_REPLAYED_ERROR, Gateway, PaymentStore};
use services::{advance_payment, call_gateway, staff_metrics};

/// Charges one payment; that of an order that costs nothing is confirmed without the gateway. A decline is final for the attempt. An
/// answer that states another amount than was asked is recorded for review and confirms nothing. The queue retries while the gateway
/// is unreachable; an attempt that is too old to retry becomes a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (payment, attempt) = match &delivery.event.event {
        DomainEvent::StockReserved(stock) => {
            (payments.begin(&payment::begin(PaymentId(delivery.ids.next()), stock, delivery.now)).await?, 1)
        }
        DomainEvent::PaymentRequested(request) => (get(payments, request.payment_id).await?, request.attempt),
        other => return Err(event::unexpected_event(other)),
    };
    if !payment::is_due(&payment, attempt, delivery.now)? {
        return Ok(());
    }
    let wrap = |change: &Change| delivery.events(change.payment.id, change.payment.version, &change.events);
    if payment.is_free() {
        let decide = |payment: &Payment| Ok(payment::confirm_without_charge(payment, delivery.now));
        return advance_payment(payments, delivery.claim(), payment, decide, wrap).await.map(drop);
    }
    let outcome = match call_gateway(breaker, payments, delivery.context(), gateway.charge(&payment)).await {
        Err(error) if error.code == GATEWAY_REPLAYED_ERROR => look_up(gateway, &payment, error, delivery.now).await?,
        outcome => outcome?,
    };
    let decide = |payment: &Payment| {
        payment::record_charge_outcome(payment, attempt, &outcome, RefundId(delivery.ids.next()), delivery.now)
    };
    let applied = advance_payment(payments, delivery.claim(), payment, decide, wrap).await?;
    applied.iter().flat_map(staff_metrics).for_each(|name| metrics::count(name, 1));
    Ok(())
}

/// Looks up the result of an attempt for which the gateway replays a server error: repeating the request would return it forever.
async fn look_up(
    gateway: &impl Gateway,
    payment: &Payment,
    error: Failure,
    now: Timestamp,
) -> Result<ChargeOutcome, Failure> {
    let found = gateway.find_charge(payment).await?;
    found.or_else(|| payment::fail_charge_after_gateway_error(payment, now)).ok_or(error)
}

async fn get(payments: &impl PaymentStore, id: PaymentId) -> Result<Payment, Failure> {
    payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
