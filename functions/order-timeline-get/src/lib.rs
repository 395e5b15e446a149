//! `GET /api/v1/ops/orders/{id}/timeline`: the events about an order, oldest first, with the consumers that have handled each, for admins.

use api::{ListView, TimelineEntryView};
use domain::timeline;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Timeline;

/// Lists one page of events; `NotFound` if no event of the order is recorded.
pub async fn handle(
    records: &impl Timeline,
    call: Call<NoBody>,
) -> Result<Reply<ListView<TimelineEntryView>>, Failure> {
    let page = call.page()?;
    let inbox_covered_since = timeline::inbox_covered_since(call.now)?;
    let found = records.of_order(call.path("id")?, inbox_covered_since, page.limit, page.cursor.as_deref()).await?;
    if found.items.is_empty() && page.cursor.is_none() {
        return Err(Failure::not_found("event of this order"));
    }
    Ok(Reply::ok(ListView { items: TimelineEntryView::all(&found.items), next_cursor: found.next }))
}
