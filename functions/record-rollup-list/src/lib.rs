//! `GET /api/v1/data/sources/{name}/rollups?from=&to=`: how many records a source has of each hour of a period, oldest first.

use api::{ListView, RollupView};
use domain::{record::SourceName, source, window};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::RecordStore;

/// The hours of the longest period.
const MAX_HOURS: u32 = 31 * 24 + 1;

/// Lists the hours that begin in a period and have records; of the last day, if no period is given.
pub async fn handle(records: &impl RecordStore, call: Call<NoBody>) -> Result<Reply<ListView<RollupView>>, Failure> {
    let (name, span): (SourceName, _) =
        (call.path("name")?, window::span(call.time("from")?, call.time("to")?, call.now)?);
    let found = records.rollups(&name, span.start, span.end, MAX_HOURS).await?;
    call.with_principal(|id, role| source::check_reader(found.writers, id, role))??;
    Ok(Reply::ok(ListView { items: found.hours.iter().map(RollupView::from).collect(), next_cursor: None }))
}
