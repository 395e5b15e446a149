//! `PUT /api/v1/orders/{id}/shipping-address`: the owner or staff send an order to another address, before it is shipped.
//!
//! `If-Match` names the version to change; 412 for another one. 409 once the order is shipped or cancelled; 422 for another country or
//! region, because tax and shipping depend on them. The invoice keeps the address that the order was confirmed with. A change by somebody else
//! than the owner adds a note, which names who made it.

use api::OrderView;
use domain::{
    address::Address,
    id::{NoteId, OrderId, UserId},
    order, user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{OrderAddresses, OrderStore};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Changes the address of one order.
pub async fn handle(
    orders: &(impl OrderStore + OrderAddresses),
    call: Call<Address>,
) -> Result<Reply<OrderView>, Failure> {
    let (wanted, owner) = (call.if_match()?, call.with_principal(user::owner_filter)?);
    let (id, by): (OrderId, _) = (call.path("id")?, UserId(call.principal()?.id));
    let order = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "order", async || {
        let order = orders.get(id, owner).await?.ok_or_else(|| Failure::not_found("order"))?;
        if !wanted.matches(order.version) {
            return Err(order::version_mismatch());
        }
        let Some(changed) = order::change_address(&order, call.body.clone(), call.now)? else { return Ok(Some(order)) };
        let note = order::address_change_note(&changed, NoteId(call.ids.next()), by)?;
        let outcome = orders.change_address(&changed, note.as_ref()).await?;
        Ok(outcome.unless_conflict().map(|()| changed))
    })
    .await?;
    Ok(Reply::ok(OrderView::from(&order)).etag(order.version))
}
