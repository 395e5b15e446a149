//! `GET /api/v1/ops/stuck-orders?minutes=`: pending orders that were placed so many minutes ago, oldest first, each with its next step, for
//! admins.

use api::{ListView, StuckOrderView};
use domain::order::{self, Filter, STUCK_AFTER_MINUTES, Sort, Status};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderSearch;

/// A year. Nothing pending is that old.
const MAX_MINUTES: u32 = 525_600;

/// Lists one page of orders.
pub async fn handle(orders: &impl OrderSearch, call: Call<NoBody>) -> Result<Reply<ListView<StuckOrderView>>, Failure> {
    let page = call.page()?;
    let minutes = call.query("minutes")?.unwrap_or(STUCK_AFTER_MINUTES);
    if minutes > MAX_MINUTES {
        return Err(Failure::field("?minutes", "must be at most 525600"));
    }
    let filter = Filter {
        status: Some(Status::Pending),
        to: Some(order::placed_before(call.now, minutes)?),
        sort: Sort::Oldest,
        ..Filter::default()
    };
    let found = orders.search(&filter, page.limit, page.cursor.as_deref()).await?;
    let waits = found.items.iter().map(|order| Ok(order::wait(order)?.map(|wait| StuckOrderView::new(order, wait))));
    let items = waits.collect::<Result<Vec<_>, Failure>>()?.into_iter().flatten().collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
