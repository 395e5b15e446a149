//! `GET /api/v1/orders`: the caller's orders, newest first.

use api::{ListView, OrderView};
use domain::id::UserId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;

/// Lists one page of orders.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<ListView<OrderView>>, Failure> {
    let page = call.page()?;
    let found = orders.list(UserId(call.principal()?.id), page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView::of(&found)))
}
