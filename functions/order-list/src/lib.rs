//! `GET /api/v1/orders`: the caller's orders, newest first.

use api::{ListView, OrderView};
use domain::id::UserId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;
use services::page_within;

/// Lists one page of orders.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<ListView<OrderView>>, Failure> {
    let page = call.page()?;
    let owner = UserId(call.principal()?.id);
    let list = async |limit| orders.list(owner, limit, page.cursor.as_deref()).await;
    Ok(Reply::ok(page_within(page.limit, list).await?.into()))
}
