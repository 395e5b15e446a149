//! Charges for an order whose stock is held, and again when the customer asks for that.
//!
//! The payment is kept before the gateway is asked, and the attempt is in the gateway's idempotency key: however often this runs,
//! and wherever it dies, the gateway charges at most once an attempt. It keeps its keys for a day, so what waited longer is not asked
//! for again.

use domain::{
    DomainEvent, event,
    id::{PaymentId, RefundId},
    payment::{self, ChargeOutcome, Payment},
};
use edge::Delivery;
use kernel::{Failure, Timestamp};
use ports::{CircuitBreaker, Claim, Gateway, GatewayCall, PaymentStore, TransitionOutcome};

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Charges for one order. Declined is final for the attempt; that the gateway does not answer is tried again through the queue; a
/// charge that is too old to be tried again is a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    breaker: &impl CircuitBreaker,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (payment, attempt) = match &delivery.event.event {
        DomainEvent::StockReserved(held) => {
            (payments.begin(&payment::begin(PaymentId(delivery.ids.next()), held, delivery.now)).await?, 1)
        }
        DomainEvent::PaymentRequested(asked) => (read(payments, asked.payment_id).await?, asked.attempt),
        other => return Err(event::unexpected_event(other)),
    };
    if !payment::is_due(&payment, attempt, delivery.now)? {
        return Ok(());
    }
    let asking = GatewayCall { now: delivery.now, ids: &delivery.ids, trace: &delivery.trace };
    let answer = match ports::call_gateway(breaker, payments, asking, gateway.charge(&payment)).await {
        Err(fault) if fault.code == ports::GATEWAY_REPLAYED_ERROR => {
            after_fault(gateway, &payment, fault, delivery.now).await?
        }
        answer => answer?,
    };
    conclude(payments, payment, attempt, &answer, &delivery).await
}

/// What became of an attempt whose key holds a fault at the gateway: asking again will never tell.
async fn after_fault(
    gateway: &impl Gateway,
    payment: &Payment,
    fault: Failure,
    now: Timestamp,
) -> Result<ChargeOutcome, Failure> {
    let found = gateway.find_charge(payment).await?;
    found.or_else(|| payment::fail_charge_after_gateway_error(payment, now)).ok_or(fault)
}

/// Keeps the answer. A payment that has changed since it was read, for its order was cancelled, is read again.
async fn conclude(
    payments: &impl PaymentStore,
    mut payment: Payment,
    attempt: u32,
    answer: &ChargeOutcome,
    delivery: &Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let claim = Claim { consumer: catalog::PAYMENT_CHARGE.name, event_id: delivery.event.id };
    let (now, trace) = (delivery.now, &delivery.trace);
    for _ in 0..=RACES {
        let refund = RefundId(delivery.ids.next());
        let Some(change) = payment::record_charge_outcome(&payment, attempt, answer, refund, now)? else {
            return Ok(());
        };
        let version = change.payment.version;
        let events = event::wrap_all(&delivery.ids, payment.id, version, now, trace, &change.events);
        if payments.advance(Some(claim), &change, &events).await? != TransitionOutcome::VersionConflict {
            return Ok(());
        }
        payment = read(payments, payment.id).await?;
    }
    Err(Failure::unavailable("payment", format!("other steps of {} were faster each time", payment.id)))
}

async fn read(payments: &impl PaymentStore, id: PaymentId) -> Result<Payment, Failure> {
    payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}
