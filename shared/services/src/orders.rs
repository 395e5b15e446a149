//! Prices and transitions of orders.

use crate::retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use domain::{
    DomainEvent,
    id::{OrderId, ProductId, UserId},
    order::{self, Order, ProductSnapshot},
};
use kernel::{EventContext, Failure};
use ports::{Claim, OrderStore, ProductSnapshots, Quote, TransitionOutcome};

/// Commits the transition that `decide` returns for the order, if any, with its event and the claim, and returns the order after it.
/// With `owner`, an order of another customer is not found. After a version conflict the order is read and decided on again.
pub async fn advance_order(
    orders: &impl OrderStore,
    claim: Option<Claim>,
    (id, owner): (OrderId, Option<UserId>),
    mut decide: impl FnMut(&Order) -> Result<Option<(Order, Option<DomainEvent>)>, Failure>,
    context: EventContext<'_>,
) -> Result<Order, Failure> {
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "order", async || {
        let order = orders.get(id, owner).await?.ok_or_else(|| Failure::not_found("order"))?;
        let Some((advanced, payload)) = decide(&order)? else { return Ok(Some(order)) };
        let outcome = commit_order(orders, claim, &advanced, payload, context).await?;
        Ok(outcome.unless_conflict().map(|()| advanced))
    })
    .await
}

/// Commits a transition that the domain decided on, with its event and the claim, if any.
pub async fn commit_order(
    orders: &impl OrderStore,
    claim: Option<Claim>,
    order: &Order,
    payload: Option<DomainEvent>,
    context: EventContext<'_>,
) -> Result<TransitionOutcome, Failure> {
    let event = payload.map(|payload| context.event(order.id, order.version, payload));
    orders.advance(claim, order, event.as_ref()).await
}

/// The prices of all products of an order, and those of them that the quote lacks, from the catalogue.
pub async fn complete_prices(
    catalogue: &impl ProductSnapshots,
    wanted: &[ProductId],
    quote: &Quote,
) -> Result<(Vec<ProductSnapshot>, Vec<ProductSnapshot>), Failure> {
    let unknown = order::unknown(wanted, &quote.products);
    let fetched = if unknown.is_empty() { Vec::new() } else { catalogue.find(&unknown).await? };
    Ok(([&quote.products[..], &fetched].concat(), fetched))
}
