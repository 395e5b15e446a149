//! `GET /api/v1/analytics/anomalies?from=&to=`: the anomalies of the windows that start in a period, newest first.

use api::{AnomalyView, ListView};
use domain::window;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WindowStore;

/// Lists one page of anomalies; of the last day, if no period is given.
pub async fn handle(windows: &impl WindowStore, call: Call<NoBody>) -> Result<Reply<ListView<AnomalyView>>, Failure> {
    let span = window::span(call.time("from")?, call.time("to")?, call.now)?;
    let page = call.page()?;
    let found = windows.anomalies(span.start, span.end, page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(AnomalyView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}
