//! `GET /api/v1/analytics/windows?from=&to=`: the five-minute windows that start in a period, oldest first.

use api::{ListView, WindowView};
use domain::window;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WindowStore;

/// Lists one page of windows; of the last day, if no period is given.
pub async fn handle(windows: &impl WindowStore, call: Call<NoBody>) -> Result<Reply<ListView<WindowView>>, Failure> {
    let span = window::span(call.time("from")?, call.time("to")?, call.now)?;
    let page = call.page()?;
    let found = windows.list(span.start, span.end, page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(|window| WindowView::at(window, call.now)).collect::<Result<_, _>>()?;
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
