//! `PATCH /api/v1/orders/{id}/status`: staff mark an order as shipped or delivered, or cancel it.
//!
//! `If-Match` names the version to change; 412 for another one. A transition that the state machine does not have is 409.

use api::OrderView;
use domain::{
    id::OrderId,
    order::{self, Input, Reason, Status},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{OrderStore, TransitionOutcome};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusUpdate {
    /// `shipped`, `delivered` or `cancelled`.
    pub status: Status,
    /// Why it is cancelled: `staff_request`, the default, or `customer_request`.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// Changes the status of one order.
pub async fn handle(orders: &impl OrderStore, call: Call<StatusUpdate>) -> Result<Reply<OrderView>, Failure> {
    let input = input(&call.body)?;
    let (id, wanted): (OrderId, _) = (call.path("id")?, call.if_match()?);
    let order = orders.get(id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    if !wanted.matches(order.version) {
        return Err(order::version_mismatch());
    }
    let Some((updated, payload)) = order::apply_command(&order, input, call.now)? else { return Ok(ok(&order)) };
    let event = payload.map(|payload| call.event(id, updated.version, payload));
    match orders.advance(None, &updated, event.as_ref()).await? {
        TransitionOutcome::Applied | TransitionOutcome::AlreadyApplied => Ok(ok(&updated)),
        TransitionOutcome::VersionConflict => Err(order::version_mismatch()),
    }
}

fn input(update: &StatusUpdate) -> Result<Input, Failure> {
    match (update.status, update.reason) {
        (Status::Shipped, None) => Ok(Input::Ship),
        (Status::Delivered, None) => Ok(Input::Deliver),
        (Status::Cancelled, None | Some(Reason::StaffRequest)) => Ok(Input::CancelByStaff),
        (Status::Cancelled, Some(Reason::CustomerRequest)) => Ok(Input::CancelByCustomer),
        (Status::Pending | Status::Processing, _) => {
            Err(Failure::field("/status", "must be shipped, delivered or cancelled"))
        }
        (Status::Cancelled, Some(_)) => Err(Failure::field("/reason", "must be staff_request or customer_request")),
        (_, Some(_)) => Err(Failure::field("/reason", "is only allowed with the status cancelled")),
    }
}

fn ok(order: &order::Order) -> Reply<OrderView> {
    Reply::ok(OrderView::from(order)).etag(order.version)
}
