//! Advances an order on events of stock and payment: the process manager of the saga.
//!
//! Events may come twice, late or concurrently. The version guards each transition; after a conflict the order is read again. The queue
//! retries every other failure.

use domain::{
    DomainEvent,
    order::{self, ShortfallPolicy, Update},
};
use edge::Delivery;
use kernel::Failure;
use ports::OrderStore;
use services::{MAX_OPTIMISTIC_RETRIES, advance_order, retry_on_conflict};

/// Applies one event to its order. `policy` decides what becomes of a paid order without stock.
pub async fn handle(
    orders: &impl OrderStore,
    policy: ShortfallPolicy,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (order_id, update) = Update::from_event(&delivery.event, policy)?;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "order", async || {
        let order = orders.get(order_id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
        let Some((order, payload)) = order::advance(&order, update, delivery.now)? else { return Ok(Some(())) };
        let outcome = advance_order(orders, Some(delivery.claim()), &order, payload, delivery.context()).await?;
        Ok(outcome.unless_conflict())
    })
    .await
}
