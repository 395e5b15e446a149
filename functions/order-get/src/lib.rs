//! `GET /api/v1/orders/{id}`: one order, for its owner and for staff; 404 for everyone else.

use api::OrderView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;

pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<OrderView>, Failure> {
    let owner = call.with_principal(user::owner_filter)?;
    let order = orders.get(call.path("id")?, owner).await?.ok_or_else(|| Failure::not_found("order"))?;
    Ok(Reply::ok(OrderView::from(&order)).etag(order.version))
}
