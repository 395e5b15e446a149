//! `PATCH /api/v1/orders/{id}/status`: the back office ships an order, says that it arrived, or takes it back.
//!
//! `If-Match` names the version that was looked at; another one is 412. A transition that the table of moves does not have is 409.

use api::OrderView;
use domain::{
    event,
    id::OrderId,
    order::{self, Cue, Reason, Status},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Advanced, OrderStore};
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
        return Err(order::overtaken());
    }
    let Some((moved, news)) = order::command(&order, cue, call.now)? else { return Ok(answer(&order)) };
    let event = news.map(|news| event::envelop(call.ids.next(), id, moved.version, call.now, &call.trace, news));
    match orders.advance(None, &moved, event.as_ref()).await? {
        Advanced::Now | Advanced::Before => Ok(answer(&moved)),
        Advanced::Overtaken => Err(order::overtaken()),
    }
}

fn cue(update: &StatusUpdate) -> Result<Cue, Failure> {
    match (update.status, update.reason) {
        (Status::Shipped, None) => Ok(Cue::Ship),
        (Status::Delivered, None) => Ok(Cue::Deliver),
        (Status::Cancelled, None | Some(Reason::StaffRequest)) => Ok(Cue::StaffCancels),
        (Status::Cancelled, Some(Reason::CustomerRequest)) => Ok(Cue::CustomerCancels),
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
