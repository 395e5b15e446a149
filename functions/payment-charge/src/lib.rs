//! Charges the payment of an order whose stock is reserved, and again when the customer retries a declined payment.
//!
//! The payment is stored before the gateway is called, and the attempt is part of the gateway's idempotency key: redeliveries and
//! crashes charge at most once per attempt. The gateway stores its keys for a day, so an older attempt is not charged again.

use domain::{
    DomainEvent, event,
    id::{PaymentId, RefundId},
    payment::{self, ChargeOutcome, Payment},
};
use edge::Delivery;
use kernel::{Failure, Timestamp};
use ports::{CircuitBreaker, GATEWAY_REPLAYED_ERROR, Gateway, PaymentStore};
use services::{GatewayCall, MAX_OPTIMISTIC_RETRIES, call_gateway, retry_on_conflict};

/// Charges one payment. A decline is final for the attempt. The queue retries while the gateway is unreachable; an attempt that is too
/// old to retry becomes a dead letter.
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
    let call = GatewayCall { now: delivery.now, ids: &delivery.ids, trace: &delivery.trace };
    let outcome = match call_gateway(breaker, payments, call, gateway.charge(&payment)).await {
        Err(error) if error.code == GATEWAY_REPLAYED_ERROR => look_up(gateway, &payment, error, delivery.now).await?,
        outcome => outcome?,
    };
    record_outcome(payments, payment, attempt, &outcome, &delivery).await
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

/// Records the outcome. A payment that changed meanwhile, because its order was cancelled, is read again.
async fn record_outcome(
    payments: &impl PaymentStore,
    payment: Payment,
    attempt: u32,
    outcome: &ChargeOutcome,
    delivery: &Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (id, mut first) = (payment.id, Some(payment));
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = match first.take() {
            Some(payment) => payment,
            None => get(payments, id).await?,
        };
        let refund = RefundId(delivery.ids.next());
        let Some(change) = payment::record_charge_outcome(&payment, attempt, outcome, refund, delivery.now)? else {
            return Ok(Some(()));
        };
        let events = delivery.events(id, change.payment.version, &change.events);
        Ok(payments.advance(Some(delivery.claim()), &change, &events).await?.unless_conflict())
    })
    .await
}

async fn get(payments: &impl PaymentStore, id: PaymentId) -> Result<Payment, Failure> {
    payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
