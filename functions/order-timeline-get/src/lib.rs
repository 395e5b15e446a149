//! `GET /api/v1/ops/orders/{id}/timeline`: the events about an order, oldest first, with the consumers that have handled each, for admins.
//!
//! An event is recorded up to half a minute after it occurred, and kept for 180 days. An order from before that, of which nothing is left, is 404
//! `history-removed`.

use api::{ListView, TimelineEntryView};
use domain::timeline;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Timeline;

/// Lists one page of events; `NotFound` if no event of the order is recorded, or none any more.
pub async fn handle(
    records: &impl Timeline,
    call: Call<NoBody>,
) -> Result<Reply<ListView<TimelineEntryView>>, Failure> {
    let page = call.page()?;
    let inbox_covered_since = timeline::inbox_covered_since(call.now)?;
    let order = call.path("id")?;
    let found = records.of_order(order, inbox_covered_since, page.limit, page.cursor.as_deref()).await?;
    if found.items.is_empty() && page.cursor.is_none() {
        return Err(timeline::without_events(order, call.now)?);
    }
    Ok(Reply::ok(ListView { items: TimelineEntryView::all(&found.items), next_cursor: found.next }))
}
