//! `GET /api/v1/data/{id}`: one record, read through the cache; 404 for one of a source that the caller may not read.
//!
//! A record that was accepted a moment ago may not be written yet, and is missing until it is. One whose day is archived is read from its file,
//! slower.

use api::RecordView;
use domain::{record::RecordId, source};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Cache, RecordArchive, RecordStore};

pub async fn handle(
    records: &impl RecordStore,
    cache: &impl Cache,
    archive: &impl RecordArchive,
    call: Call<NoBody>,
) -> Result<Reply<RecordView>, Failure> {
    let (id, missing): (RecordId, _) = (call.path("id")?, || Failure::not_found("record"));
    let found = services::find_record(records, cache, archive, id).await?.ok_or_else(missing)?;
    call.with_principal(|id, role| source::check_reader(found.clients, id, role))?.map_err(|_| missing())?;
    // A record never changes.
    Ok(Reply::ok(RecordView::from(&found.record)).etag(id))
}
