//! Transitions of orders.

use domain::{DomainEvent, order::Order};
use kernel::{EventContext, Failure};
use ports::{Claim, OrderStore, TransitionOutcome};

/// Commits a transition that the domain decided on, with its event and the claim, if any.
pub async fn advance_order(
    orders: &impl OrderStore,
    claim: Option<Claim>,
    order: &Order,
    payload: Option<DomainEvent>,
    context: EventContext<'_>,
) -> Result<TransitionOutcome, Failure> {
    let event = payload.map(|payload| context.event(order.id, order.version, payload));
    orders.advance(claim, order, event.as_ref()).await
}
