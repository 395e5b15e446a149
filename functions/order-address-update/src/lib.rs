//! `PUT /api/v1/orders/{id}/shipping-address`: the owner or staff send an order to another address, before it is shipped.
//!
//! `If-Match` names the version to change; 412 for another one. 409 once the order is shipped or cancelled; 422 for another country or
//! region, because tax and shipping depend on them. The invoice keeps the address that the order was confirmed with.

use api::OrderView;
use domain::{
    address::Address,
    order::{self, Order},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::advance_order;

/// Changes the address of one order.
pub async fn handle(orders: &impl OrderStore, call: Call<Address>) -> Result<Reply<OrderView>, Failure> {
    let (wanted, owner) = (call.if_match()?, call.with_principal(user::owner_filter)?);
    let decide = |order: &Order| match wanted.matches(order.version) {
        true => order::change_address(order, call.body.clone(), call.now),
        false => Err(order::version_mismatch()),
    };
    let order = advance_order(orders, None, (call.path("id")?, owner), decide, call.context()).await?;
    Ok(Reply::ok(OrderView::from(&order)).etag(order.version))
}
