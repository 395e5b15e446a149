//! `DELETE /api/v1/orders/{id}`: cancels an order, for its owner and for staff.
//!
//! Returns 202 with the order; its stock is released and its payment refunded right after. A repetition changes nothing. An order that
//! was shipped cannot be cancelled (409). With `If-Match`, only that version is cancelled (otherwise 412).

use api::OrderView;
use domain::{
    order::{self, Input, Order},
    user,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::advance_order;

pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<OrderView>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let input = if owner.is_some() { Input::CancelByCustomer } else { Input::CancelByStaff };
    let wanted = call.optional_if_match()?;
    let decide = |order: &Order| {
        let cancelled = order::apply_command(order, input, call.now)?;
        // A repetition names the version before the cancellation.
        match &wanted {
            Some(wanted) if cancelled.is_some() && !wanted.matches(order.version) => Err(order::version_mismatch()),
            _ => Ok(cancelled),
        }
    };
    let order = advance_order(orders, None, (call.path("id")?, owner), decide, call.context()).await?;
    Ok(Reply::accepted(OrderView::from(&order)).etag(order.version))
}
