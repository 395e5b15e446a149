//! Moves an order on as stock and payment come in: the process manager of the saga.
//!
//! News may come twice, late, or two at once. The version guards each step; who loses the race reads again. What fails for any
//! other reason is the queue's to try again.

use domain::{
    DomainEvent, event,
    id::OrderId,
    order::{self, Signal},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Advanced, Claim, OrderStore};

/// How often the order is read again when another step was faster. Two signals at once are usual, three are not.
const RACES: u32 = 3;

/// Tells one order one piece of news.
pub async fn handle(orders: &impl OrderStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (order_id, signal) = signal(&delivery.event.event)?;
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: delivery.event.id };
    for _ in 0..=RACES {
        if step(orders, claim, order_id, signal, &delivery).await? != Advanced::Overtaken {
            return Ok(());
        }
    }
    Err(Failure::unavailable("order", format!("other steps of {order_id} were faster each time")))
}

async fn step(
    orders: &impl OrderStore,
    claim: Claim,
    order_id: OrderId,
    signal: Signal,
    delivery: &Delivery<DomainEvent>,
) -> Result<Advanced, Failure> {
    let order = orders.get(order_id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    let Some((moved, news)) = order::advance(&order, signal, delivery.now)? else { return Ok(Advanced::Before) };
    let event = news
        .map(|news| event::envelop(delivery.ids.next(), moved.id, moved.version, delivery.now, &delivery.trace, news));
    orders.advance(claim, &moved, event.as_ref()).await
}

/// What an event means for its order.
fn signal(event: &DomainEvent) -> Result<(OrderId, Signal), Failure> {
    match event {
        DomainEvent::StockReserved(held) => Ok((held.order_id, Signal::StockReserved)),
        DomainEvent::StockShort(short) => Ok((short.order_id, Signal::StockShort)),
        DomainEvent::PaymentSucceeded(paid) => Ok((paid.order_id, Signal::Paid(paid.payment_id))),
        DomainEvent::PaymentFailed(failed) => {
            Ok((failed.order_id, Signal::PaymentFailed(failed.payment_id, failed.reason)))
        }
        other => Err(event::unexpected(other)),
    }
}
