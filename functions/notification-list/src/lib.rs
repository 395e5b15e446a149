//! `GET /api/v1/notifications?order_id=`: the delivery log of an order, oldest first, for staff.

use api::{ListView, NotificationView};
use domain::id::OrderId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::NotificationRequests;

/// Lists one page of the log.
pub async fn handle(
    notifications: &impl NotificationRequests,
    call: Call<NoBody>,
) -> Result<Reply<ListView<NotificationView>>, Failure> {
    let order: OrderId = call.query("order_id")?.ok_or_else(|| Failure::field("?order_id", "is missing"))?;
    let page = call.page()?;
    let found = notifications.delivery_log(order, page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView::of(&found)))
}
