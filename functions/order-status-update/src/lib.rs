//! `PATCH /api/v1/orders/{id}/status`: the back office ships an order, says that it arrived, or takes it back.
//!
//! `If-Match` names the version that was looked at; another one is 412. A transition that the table of moves does not have is 409.

use api::OrderView;
use domain::{
    event,
    id::OrderId,
    order::{self, Input, Reason, Status},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{OrderStore, TransitionOutcome};
use serde::Deserialize;

/// What the order shall become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusUpdate {
    /// `shipped`, `delivered` or `cancelled`.
    pub status: Status,
    /// Why it is cancelled: `staff_request` (the usual) or `customer_request`.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// Moves an order on.
pub async fn handle(orders: &impl OrderStore, call: Call<StatusUpdate>) -> Result<Reply<OrderView>, Failure> {
    let cue = cue(&call.body)?;
    let (id, version): (OrderId, u64) = (call.path("id")?, call.if_match()?);
    let order = orders.get(id, None).await?.ok_or_else(|| Failure::not_found("order"))?;
    if order.version != version {
        return Err(order::version_mismatch());
    }
    let Some((moved, news)) = order::apply_command(&order, cue, call.now)? else { return Ok(answer(&order)) };
    let event = news.map(|news| event::wrap(call.ids.next(), id, moved.version, call.now, &call.trace, news));
    match orders.advance(None, &moved, event.as_ref()).await? {
        TransitionOutcome::Applied | TransitionOutcome::AlreadyApplied => Ok(answer(&moved)),
        TransitionOutcome::VersionConflict => Err(order::version_mismatch()),
    }
}

fn cue(update: &StatusUpdate) -> Result<Input, Failure> {
    match (update.status, update.reason) {
        (Status::Shipped, None) => Ok(Input::Ship),
        (Status::Delivered, None) => Ok(Input::Deliver),
        (Status::Cancelled, None | Some(Reason::StaffRequest)) => Ok(Input::CancelByStaff),
        (Status::Cancelled, Some(Reason::CustomerRequest)) => Ok(Input::CancelByCustomer),
        (Status::Pending | Status::Processing, _) => {
            Err(Failure::field("/status", "must be shipped, delivered or cancelled"))
        }
        (Status::Cancelled, Some(_)) => Err(Failure::field("/reason", "must be staff_request or customer_request")),
        (_, Some(_)) => Err(Failure::field("/reason", "goes with cancelled alone")),
    }
}

fn answer(order: &order::Order) -> Reply<OrderView> {
    Reply::ok(OrderView::from(order)).etag(order.version)
}
