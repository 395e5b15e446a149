//! `GET /api/v1/data?source=&from=&to=`: the records of a source in a period, newest first.
//!
//! Those of archived days are read from their files, slower, a few files for each page: a page may then be shorter than asked for, or empty, and
//! still have a next one.

use api::{ListView, RecordView};
use domain::{
    record::{RecordId, SourceName},
    source, window,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{RecordArchive, RecordQuery, RecordStore};

/// Lists one page of records; of the last day, if no period is given.
pub async fn handle(
    records: &impl RecordStore,
    archive: &impl RecordArchive,
    call: Call<NoBody>,
) -> Result<Reply<ListView<RecordView>>, Failure> {
    let name = call.parsed("source", SourceName::parse)?.ok_or_else(|| Failure::field("?source", "is required"))?;
    let (span, page) = (window::span(call.time("from")?, call.time("to")?, call.now)?, call.page()?);
    let invalid = |_| Failure::field("?cursor", "is not a cursor of this list");
    let after = page.cursor.as_deref().map(str::parse::<RecordId>).transpose().map_err(invalid)?;
    // One more than the page has, to know whether there is another.
    let limit = page.limit.saturating_add(1);
    let query = RecordQuery { source: name, from: span.start, to: span.end, after, limit };
    let mut found = records.list(&query).await?;
    let writers = std::mem::take(&mut found.writers);
    call.with_principal(|id, role| source::check_reader(writers, id, role))??;
    let further = services::complete_page(archive, &query, &mut found).await?;
    let size = usize::try_from(page.limit).map_err(Failure::internal)?;
    let has_more = found.records.len() > size;
    found.records.truncate(size);
    let next = if has_more { found.records.last().map(|last| last.id) } else { further };
    let next_cursor = next.map(|id| id.to_string());
    Ok(Reply::ok(ListView { items: found.records.iter().map(RecordView::from).collect(), next_cursor }))
}
