//! Erases what the final orders of an erased user say about the person: addresses, tracking and notes. `order-sweep` erases the others when they are
//! final.

use domain::{DomainEvent, event::UserErased};
use edge::Delivery;
use kernel::Failure;
use ports::OrderErasure;

/// Erases the orders of one customer.
pub async fn handle(orders: &impl OrderErasure, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let &UserErased { user_id } = delivery.event.event.payload()?;
    orders.erase_customer(delivery.claim(), user_id, delivery.event.time).await
}
