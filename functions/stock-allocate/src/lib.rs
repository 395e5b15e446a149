//! Keeps the stock of an order that is paid: what is held for it no longer lapses. Where the hold has lapsed it is taken again, if
//! there is enough; if there is not, the order waits for stock, and the shop's policy says what becomes of it.

use domain::{
    DomainEvent,
    event::{self, PaymentRef, StockAllocated, StockAllocationFailed},
};
use edge::Delivery;
use kernel::Failure;
use ports::{Claim, PaidOrder, StockStore};

/// Keeps the stock of one order.
pub async fn handle(stock: &impl StockStore, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (order_id, payment) = match &delivery.event.event {
        DomainEvent::PaymentSucceeded(paid) => {
            (paid.order_id, PaymentRef { payment_id: paid.payment_id, version: delivery.event.sequence })
        }
        other => return Err(event::unexpected_event(other)),
    };
    let claim = Claim { consumer: catalog::STOCK_ALLOCATE.name, event_id: delivery.event.id };
    let (now, trace) = (delivery.now, &delivery.trace);
    let kept = StockAllocated { order_id, payment, levels: vec![] };
    let kept = event::wrap(delivery.ids.next(), order_id, 3, now, trace, kept);
    let short = StockAllocationFailed { order_id, lines: vec![], payment };
    let short = event::wrap(delivery.ids.next(), order_id, 3, now, trace, short);
    let paid = PaidOrder { order_id, payment, at: delivery.event.time };
    stock.allocate(claim, &paid, &kept, &short).await.map(drop)
}
