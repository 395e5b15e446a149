//! Records: reading one through the cache, and checking the schema of a source.

use crate::archived_record;
use domain::{
    id::ClientId,
    record::{Record, RecordId},
    source::PayloadSchema,
};
use kernel::{Failure, FieldError};
use ports::{ArchivedPart, Cache, PayloadSchemas, RecordArchive, RecordLookup, RecordStore};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Seconds for which a record is cached.
const CACHE_SECONDS: u32 = 300;
/// Seconds for which a missing record is cached; an accepted record is written within about that time.
const CACHE_NEGATIVE_SECONDS: u32 = 2;
/// Seconds for which one process alone reads a record that is not cached.
const LOAD_LOCK_SECONDS: u32 = 1;

/// A record, with the clients that may read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadableRecord {
    pub record: Record,
    pub clients: Vec<ClientId>,
}

/// Reads a record through the cache, or from the archive if its day is archived. On concurrent cache misses one process reads the database;
/// the others wait briefly for the cached value, and then read the database themselves. Without a cache every process reads it.
pub async fn find_record(
    records: &impl RecordStore,
    cache: &impl Cache,
    archive: &impl RecordArchive,
    id: RecordId,
) -> Result<Option<ReadableRecord>, Failure> {
    let key = format!("record:{id}");
    let parse = |json: String| serde_json::from_str::<Option<ReadableRecord>>(&json).ok();
    if let Some(cached) = cache.get(&key).await.and_then(parse) {
        return Ok(cached);
    }
    if !cache.try_load_lock(&key, LOAD_LOCK_SECONDS).await
        && let Some(cached) = cache.wait(&key).await.and_then(parse)
    {
        return Ok(cached);
    }
    let found = match records.get(id).await? {
        RecordLookup::Found { record, writers } => Some(ReadableRecord { record, clients: writers }),
        RecordLookup::Archived(part) => archived(records, archive, &part, id).await?,
        RecordLookup::Missing => None,
    };
    let ttl = if found.is_some() { CACHE_SECONDS } else { CACHE_NEGATIVE_SECONDS };
    cache.put(&key, &serde_json::to_string(&found).map_err(Failure::internal)?, ttl).await;
    Ok(found)
}

/// Finds a record in its archive file, with the clients that may read its source.
async fn archived(
    records: &impl RecordStore,
    archive: &impl RecordArchive,
    part: &ArchivedPart,
    id: RecordId,
) -> Result<Option<ReadableRecord>, Failure> {
    let Some(record) = archived_record(archive, part, id).await? else { return Ok(None) };
    let at = id.recorded_at();
    let hour = records.rollups(&record.source, at, at, 1).await?;
    Ok(Some(ReadableRecord { record, clients: hour.writers }))
}

/// Validates a new schema. Returns how many of `payloads` violate it, or its errors with pointers below `/schema`.
pub fn try_schema(
    schemas: &impl PayloadSchemas,
    schema: &PayloadSchema,
    payloads: &[&Map<String, Value>],
) -> Result<usize, Failure> {
    let pointed = |error: FieldError| FieldError { pointer: format!("/schema{}", error.pointer), ..error };
    let tried = schemas.try_schema(schema, payloads);
    tried.map_err(|errors| Failure::fields(errors.into_iter().map(pointed).collect()))
}
