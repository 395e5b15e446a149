//! Advances an order on events of stock and payment: the process manager of the saga.
//!
//! Events may come twice, late or concurrently. The version guards each transition; after a conflict the order is read again. The queue
//! retries every other failure.

use domain::{
    DomainEvent, event,
    id::OrderId,
    order::{self, Input, ShortfallPolicy, Update},
};
use edge::Delivery;
use kernel::Failure;
use ports::{OrderStore, TransitionOutcome};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Applies one event to its order. `policy` decides what becomes of a paid order without stock.
pub async fn handle(
    orders: &impl OrderStore,
    policy: ShortfallPolicy,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, update) = update(&delivery.event, policy)?;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "order", async || {
        Ok(advance(orders, order_id, update, &delivery).await?.unless_conflict())
    })
    .await
}

async fn advance(
    orders: &impl OrderStore,
    order_id: OrderId,
    update: Update,
    delivery: &Delivery<DomainEvent>,
) -> Result<TransitionOutcome, Failure> {
    let order = orders.get(order_id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    let transition = match &delivery.event.event {
        // A partial refund does not change the order.
        DomainEvent::PaymentRefunded(refund) if !order.is_fully_refunded(refund.refunded_amount) => None,
        _ => order::advance(&order, update, delivery.now)?,
    };
    let Some((order, payload)) = transition else { return Ok(TransitionOutcome::AlreadyApplied) };
    let event = payload.map(|payload| delivery.event(order.id, order.version, payload));
    orders.advance(Some(delivery.claim()), &order, event.as_ref()).await
}

/// The order that an event is about, and the input that it is to the state machine.
fn update(event: &domain::Event, policy: ShortfallPolicy) -> Result<(OrderId, Update), Failure> {
    let version = event.sequence;
    let (order_id, input, payment) = match &event.event {
        DomainEvent::StockReserved(stock) => (stock.order_id, Input::StockReserved, None),
        DomainEvent::StockReservationFailed(stock) => (stock.order_id, Input::StockReservationFailed, None),
        DomainEvent::StockAllocationFailed(stock) => {
            let payment = (stock.payment.payment_id, stock.payment.version);
            (stock.order_id, Input::StockAllocationFailed(policy), Some(payment))
        }
        DomainEvent::StockAllocated(stock) => {
            let payment = (stock.payment.payment_id, stock.payment.version);
            (stock.order_id, Input::StockAllocated, Some(payment))
        }
        DomainEvent::PaymentRequested(payment) => {
            (payment.order_id, Input::PaymentRequested, Some((payment.payment_id, version)))
        }
        DomainEvent::PaymentFailed(payment) => {
            (payment.order_id, Input::PaymentFailed, Some((payment.payment_id, version)))
        }
        DomainEvent::PaymentRefunded(payment) => {
            (payment.order_id, Input::Refunded, Some((payment.payment_id, version)))
        }
        other => return Err(event::unexpected_event(other)),
    };
    Ok((order_id, Update { input, payment }))
}
