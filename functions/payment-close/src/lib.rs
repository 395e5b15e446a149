//! Closes the payment of a cancelled order: nothing more is charged, and what was charged goes back.
//!
//! A charge that is under way while this runs sees the closed payment when it keeps its answer, and gives back then.

use domain::{
    DomainEvent,
    event::{self, OrderCancelled},
    id::{PaymentId, RefundId},
    payment,
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, PaymentStore, TransitionOutcome};

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Closes the payment of one order.
pub async fn handle(payments: &impl PaymentStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let cancelled = match &delivery.event.event {
        DomainEvent::OrderCancelled(cancelled) => cancelled,
        other => return Err(event::unexpected_event(other)),
    };
    for _ in 0..=RACES {
        if close(payments, cancelled, &delivery).await? != TransitionOutcome::VersionConflict {
            return Ok(());
        }
    }
    Err(Failure::unavailable("payment", "other steps of it were faster each time"))
}

async fn close(
    payments: &impl PaymentStore,
    cancelled: &OrderCancelled,
    delivery: &Delivery<DomainEvent>,
) -> Result<TransitionOutcome, Failure> {
    let unbegun = payment::begin_closed(PaymentId(delivery.ids.next()), cancelled, delivery.now);
    let payment = payments.begin(&unbegun).await?;
    let Some(change) = payment::close(&payment, RefundId(delivery.ids.next()), delivery.now) else {
        return Ok(TransitionOutcome::AlreadyApplied);
    };
    let events = event::wrap_all(
        &delivery.ids,
        payment.id,
        change.payment.version,
        delivery.now,
        &delivery.trace,
        &change.events,
    );
    let claim = Claim { consumer: catalog::PAYMENT_CLOSE.name, event_id: delivery.event.id };
    payments.advance(Some(claim), &change, &events).await
}
