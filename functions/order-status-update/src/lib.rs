//! `PATCH /api/v1/orders/{id}/status`: staff mark an order as shipped or delivered, or cancel it.
//!
//! `If-Match` names the version to change; 412 for another one. A transition that the state machine does not have is 409.

use api::OrderView;
use domain::{
    id::OrderId,
    order::{self, Order, UpdateStatus},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{OrderStore, TransitionOutcome};
use services::advance_order;

/// Changes the status of one order.
pub async fn handle(orders: &impl OrderStore, call: Call<UpdateStatus>) -> Result<Reply<OrderView>, Failure> {
    let input = call.body.input()?;
    let (id, wanted): (OrderId, _) = (call.path("id")?, call.if_match()?);
    let order = orders.get(id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    if !wanted.matches(order.version) {
        return Err(order::version_mismatch());
    }
    let Some((updated, payload)) = order::apply_command(&order, input, call.now)? else { return Ok(ok(&order)) };
    match advance_order(orders, None, &updated, payload, call.context()).await? {
        TransitionOutcome::Applied | TransitionOutcome::AlreadyApplied => Ok(ok(&updated)),
        TransitionOutcome::VersionConflict => Err(order::version_mismatch()),
    }
}

fn ok(order: &Order) -> Reply<OrderView> {
    Reply::ok(OrderView::from(order)).etag(order.version)
}
