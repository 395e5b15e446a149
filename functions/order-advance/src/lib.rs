//! Moves an order on as stock and payment come in: the process manager of the saga.
//!
//! Update may come twice, late, or two at once. The version guards each step; who loses the race reads again. What fails for any
//! other reason is the queue's to try again.

use domain::{
    DomainEvent, event,
    id::OrderId,
    order::{self, Input, ShortfallPolicy, Update},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, OrderStore, TransitionOutcome};

/// How often the order is read again when another step was faster. Two signals at once are usual, three are not.
const RACES: u32 = 3;

/// Tells one order one piece of news. `policy` says what becomes of it if it is paid and has no stock.
pub async fn handle(
    orders: &impl OrderStore,
    policy: ShortfallPolicy,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, news) = news(&delivery.event, policy)?;
    for _ in 0..=RACES {
        if step(orders, order_id, news, &delivery).await? != TransitionOutcome::VersionConflict {
            return Ok(());
        }
    }
    Err(Failure::unavailable("order", format!("other steps of {order_id} were faster each time")))
}

async fn step(
    orders: &impl OrderStore,
    order_id: OrderId,
    news: Update,
    delivery: &Delivery<DomainEvent>,
) -> Result<TransitionOutcome, Failure> {
    let order = orders.get(order_id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    let moved = match &delivery.event.event {
        // Money for a part of it changes nothing.
        DomainEvent::PaymentRefunded(refund) if !order.is_fully_refunded(refund.refunded_amount) => None,
        _ => order::advance(&order, news, delivery.now)?,
    };
    let Some((moved, told)) = moved else { return Ok(TransitionOutcome::AlreadyApplied) };
    let event =
        told.map(|told| event::wrap(delivery.ids.next(), moved.id, moved.version, delivery.now, &delivery.trace, told));
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: delivery.event.id };
    orders.advance(Some(claim), &moved, event.as_ref()).await
}

/// What an event means for its order.
fn news(event: &domain::Event, policy: ShortfallPolicy) -> Result<(OrderId, Update), Failure> {
    let version = event.sequence;
    match &event.event {
        DomainEvent::StockReserved(held) => Ok((held.order_id, Input::StockReserved.into())),
        DomainEvent::StockReservationFailed(failed) => Ok((failed.order_id, Input::StockReservationFailed.into())),
        DomainEvent::StockAllocationFailed(failed) => {
            let payment = Some((failed.payment.payment_id, failed.payment.version));
            Ok((failed.order_id, Update { input: Input::StockAllocationFailed(policy), payment }))
        }
        DomainEvent::StockAllocated(kept) => {
            let payment = Some((kept.payment.payment_id, kept.payment.version));
            Ok((kept.order_id, Update { input: Input::StockAllocated, payment }))
        }
        DomainEvent::PaymentRequested(asked) => {
            Ok((asked.order_id, Update { input: Input::PaymentRequested, payment: Some((asked.payment_id, version)) }))
        }
        DomainEvent::PaymentFailed(failed) => {
            Ok((failed.order_id, Update { input: Input::PaymentFailed, payment: Some((failed.payment_id, version)) }))
        }
        DomainEvent::PaymentRefunded(back) => {
            Ok((back.order_id, Update { input: Input::Refunded, payment: Some((back.payment_id, version)) }))
        }
        other => Err(event::unexpected_event(other)),
    }
}
