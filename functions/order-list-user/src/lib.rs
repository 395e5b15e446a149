//! `GET /api/v1/orders/user/{user_id}`: a customer's orders, newest first, for the back office and for the customer.

use api::{ListView, OrderView};
use domain::{id::UserId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderStore;

/// Lists orders. Somebody else's are not to be found.
pub async fn handle(orders: &impl OrderStore, call: Call<NoBody>) -> Result<Reply<ListView<OrderView>>, Failure> {
    let principal = call.principal()?;
    let wanted: UserId = call.path("user_id")?;
    user::check_owner(wanted, principal.id, &principal.role)?;
    let page = call.page()?;
    let found = orders.list(wanted, page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(OrderView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
