//! Charges for an order whose stock is held.
//!
//! The payment is kept before the gateway is asked, and its id is the gateway's idempotency key: however often this runs, and
//! wherever it dies, the gateway charges at most once. It keeps its keys for a day, so what waited longer is not asked for again.

use domain::{DomainEvent, event, id::PaymentId, payment};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, Gateway, PaymentStore};

/// Charges for one order. Declined is final; that the gateway does not answer is tried again through the queue; a charge that is
/// too old to be tried again is a dead letter.
pub async fn handle(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let held = match &delivery.event.event {
        DomainEvent::StockReserved(held) => held,
        other => return Err(event::unexpected(other)),
    };
    let payment = payments.begin(&payment::begin(PaymentId(delivery.ids.next()), held, delivery.now)).await?;
    if !payment::is_due(&payment, delivery.now)? {
        return Ok(());
    }
    let answer = gateway.charge(&payment).await?;
    let (status, news) = payment::conclude(&payment, &answer);
    let event =
        event::envelop(delivery.ids.next(), payment.id, payment.version + 1, delivery.now, &delivery.trace, news);
    let claim = Claim { consumer: catalog::PAYMENT_CHARGE.name, event_id: delivery.event.id };
    payments.conclude(claim, &payment, status, &answer, &event).await.map(drop)
}
