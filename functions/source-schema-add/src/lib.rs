//! `POST /api/v1/data/sources/{name}/schemas`: registers the next version of the schema of a source.
//!
//! Whether one schema admits all that another does cannot be decided in general. What can be is whether it admits what the source has: the
//! last hundred records are checked, and a version that refuses one of them needs `breaking`. The current version, sent again, changes
//! nothing.

use api::SourceView;
use domain::{
    record::SourceName,
    source::{self, AddSchema},
    window,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{PayloadSchemas, RecordQuery, RecordStore, SourceStore};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Records that a new version is checked against.
const SAMPLE: u32 = 100;

pub async fn handle(
    sources: &impl SourceStore,
    records: &impl RecordStore,
    schemas: &impl PayloadSchemas,
    call: Call<AddSchema>,
) -> Result<Reply<SourceView>, Failure> {
    let (AddSchema { schema, breaking }, call) = call.into_parts();
    let name: SourceName = call.path("name")?;
    services::try_schema(schemas, &schema, &[])?;
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "source", async || {
        let current = sources.source(&name).await?.ok_or_else(source::not_found)?;
        let Some(next) = current.with_schema(schema.clone(), call.now)? else {
            return Ok(Some(Reply::ok(SourceView::from(&current))));
        };
        let span = window::last_month(call.now)?;
        let query = RecordQuery { source: name.clone(), from: span.start, to: span.end, after: None, limit: SAMPLE };
        let sample = records.list(&query).await?.records;
        let payloads: Vec<_> = sample.iter().map(|record| &record.payload).collect();
        source::check_evolution(services::try_schema(schemas, &schema, &payloads)?, payloads.len(), breaking)?;
        Ok(sources.add_schema(&next).await?.then(|| Reply::ok(SourceView::from(&next))))
    })
    .await
}
