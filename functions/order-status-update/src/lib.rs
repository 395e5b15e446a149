//! `PATCH /api/v1/orders/{id}/status`: staff mark an order as shipped or delivered, or cancel it.
//!
//! `shipped` may state `carrier` and `tracking_number`, which the order and its e-mail show. `If-Match` names the version to change; 412 for
//! another one. A transition that the state machine does not have is 409.

use api::OrderView;
use domain::order::{self, Order, UpdateStatus};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::advance_order;

/// Changes the status of one order.
pub async fn handle(orders: &impl OrderStore, call: Call<UpdateStatus>) -> Result<Reply<OrderView>, Failure> {
    call.body.input()?;
    let wanted = call.if_match()?;
    let decide = |order: &Order| match wanted.matches(order.version) {
        true => order::update_status(order, &call.body, call.now),
        false => Err(order::version_mismatch()),
    };
    let order = advance_order(orders, None, (call.path("id")?, None), decide, call.context()).await?;
    Ok(Reply::ok(OrderView::from(&order)).etag(order.version))
}
