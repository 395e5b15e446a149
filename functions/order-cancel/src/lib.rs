//! `DELETE /api/v1/orders/{id}`: cancels an order, for its owner and for staff.
//!
//! Returns 202 with the order; its stock is released and its payment refunded right after. A repetition changes nothing. An order that
//! was shipped cannot be cancelled (409). With `If-Match`, only that version is cancelled (otherwise 412).

use api::OrderView;
use domain::{
    id::OrderId,
    order::{self, Input},
    user,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::{MAX_OPTIMISTIC_RETRIES, advance_order, retry_on_conflict};

/// Cancels one order.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<OrderView>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let input = if owner.is_some() { Input::CancelByCustomer } else { Input::CancelByStaff };
    let id: OrderId = call.path("id")?;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "order", async || {
        let order = orders.get(id, owner).await?.ok_or_else(|| Failure::not_found("order"))?;
        let Some((cancelled, payload)) = order::apply_command(&order, input, call.now)? else {
            return Ok(Some(accepted(&order)));
        };
        if call.if_match.as_ref().is_some_and(|wanted| !wanted.matches(order.version)) {
            return Err(order::version_mismatch());
        }
        let outcome = advance_order(orders, None, &cancelled, payload, call.context()).await?;
        Ok(outcome.unless_conflict().map(|()| accepted(&cancelled)))
    })
    .await
}

fn accepted(order: &order::Order) -> Reply<OrderView> {
    Reply::accepted(OrderView::from(order)).etag(order.version)
}
