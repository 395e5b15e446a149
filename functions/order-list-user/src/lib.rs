//! `GET /api/v1/orders/user/{user_id}`: the orders of a customer, newest first, for the customer and for staff; 404 for everyone else.

use api::{ListView, OrderView};
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::page_within;

/// Lists one page of orders.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<ListView<OrderView>>, Failure> {
    let owner = call.owner_from_path("user_id", user::check_owner)?;
    let page = call.page()?;
    let list = async |limit| orders.list(owner, limit, page.cursor.as_deref()).await;
    Ok(Reply::ok(page_within(page.limit, list).await?.into()))
}
