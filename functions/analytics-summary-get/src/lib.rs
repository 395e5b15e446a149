//! `GET /api/v1/analytics/summary?from=&to=`: what the windows of a period come to, by day.

use api::SummaryView;
use domain::window;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WindowStore;

/// Sums up the windows that start in the period; of the last day, if none is given.
pub async fn handle(windows: &impl WindowStore, call: Call<NoBody>) -> Result<Reply<SummaryView>, Failure> {
    let period = window::span(call.time("from")?, call.time("to")?, call.now)?;
    let summary = windows.summary(period.start, period.end, call.now).await?;
    Ok(Reply::ok(SummaryView::at(&period, summary, call.now)?))
}
