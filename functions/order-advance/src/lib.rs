//! Advances an order on events of stock and payment: the process manager of the saga.
//!
//! Events may come twice, late or concurrently. The version guards each transition; after a conflict the order is read again. The queue
//! retries every other failure.

use domain::{
    DomainEvent,
    order::{self, Order, ShortfallPolicy, Update},
};
use edge::Delivery;
use kernel::Failure;
use ports::OrderStore;
use services::advance_order;

/// Applies one event to its order. `policy` decides how a paid order without stock is handled.
pub async fn handle(
    orders: &impl OrderStore,
    policy: ShortfallPolicy,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, update) = Update::from_event(&delivery.event, policy)?;
    let decide = |order: &Order| order::advance(order, update, delivery.now);
    advance_order(orders, Some(delivery.claim()), (order_id, None), decide, delivery.context()).await.map(drop)
}
