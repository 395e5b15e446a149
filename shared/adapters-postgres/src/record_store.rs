//! Records, as they are read.

use super::{
    Database,
    params::params,
    rows::{count, get, json, parsed},
};
use domain::{
    id::ClientId,
    record::{Record, RecordId, Rollup, SourceName},
};
use kernel::{Date, Failure, Timestamp, Uuid};
use ports::{ArchivedPart, MAX_ARCHIVED_PARTS, RecordLookup, RecordPage, RecordQuery, RecordStore, Rollups};
use serde::Deserialize;
use std::sync::Arc;
use tokio_postgres::Row;

/// A record, or the file of the archive that would have it. The day of the id decides the partition, so that one is read.
const GET: &str = "
    SELECT r.*, coalesce(s.writers, '{}') AS writers, coalesce((
        SELECT jsonb_agg(to_jsonb(a)) FROM archived AS a JOIN partitions AS p USING (day)
        WHERE a.day = $2 AND p.state = 'archived' AND $1 BETWEEN a.first_id AND a.last_id
    ), '[]') AS archived
    FROM (VALUES (1)) AS one LEFT JOIN records AS r ON r.id = $1 LEFT JOIN sources AS s ON s.name = r.source";

/// A page of a source, and the files of the archive with older ones. `$3` is the end of the range or the record after which the page begins.
const LIST: &str = "
    WITH page AS (
        SELECT * FROM records WHERE source = $1 AND id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4
    ), file AS (
        SELECT a.* FROM archived AS a JOIN partitions AS p USING (day)
        WHERE p.state = 'archived' AND a.last_id >= $2 AND a.first_id < $3
        ORDER BY a.day DESC, a.part DESC LIMIT $5
    )
    SELECT page.*, s.writers,
        coalesce((SELECT jsonb_agg(to_jsonb(file) ORDER BY day DESC, part DESC) FROM file), '[]') AS archived
    FROM sources AS s LEFT JOIN page ON true
    WHERE s.name = $1
    ORDER BY page.id DESC";

const ROLLUPS: &str = "
    SELECT s.writers, r.hour, r.records, r.bytes
    FROM sources AS s LEFT JOIN LATERAL (
        SELECT * FROM rollups WHERE source = s.name AND hour >= $2 AND hour < $3 ORDER BY hour LIMIT $4
    ) AS r ON true
    WHERE s.name = $1
    ORDER BY r.hour";

#[derive(Debug)]
pub struct PgRecords {
    pub(super) database: Arc<Database>,
}

impl PgRecords {
    /// `database` logs in as the role of records to write, and as its reader to read.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl RecordStore for PgRecords {
    async fn get(&self, id: RecordId) -> Result<RecordLookup, Failure> {
        let rows = self.database.query(GET, &params![id.uuid(), id.day()]).await?;
        let row = super::rows::only(&rows)?;
        if get::<Option<Uuid>>(row, "id")?.is_some() {
            let source = parsed(row, "source", SourceName::parse)?;
            return Ok(RecordLookup::Found { record: read(row, source)?, writers: writers(row)? });
        }
        Ok(archived(row)?.pop().map_or(RecordLookup::Missing, RecordLookup::Archived))
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage, Failure> {
        let limit = usize::try_from(query.limit).map_err(Failure::internal)?;
        let end = RecordId::least(query.to);
        let params = params![
            query.source.as_str(),
            RecordId::least(query.from),
            query.after.map_or(end, |after| end.min(after.uuid())),
            i64::from(query.limit),
            i64::from(MAX_ARCHIVED_PARTS),
        ];
        let rows = self.database.query(LIST, &params).await?;
        let first = rows.first().ok_or_else(|| Failure::not_found("source"))?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            if get::<Option<Uuid>>(row, "id")?.is_some() {
                records.push(read(row, query.source.clone())?);
            }
        }
        let archived = if records.len() < limit { archived(first)? } else { Vec::new() };
        Ok(RecordPage { writers: writers(first)?, records, archived })
    }

    async fn rollups(
        &self,
        source: &SourceName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Rollups, Failure> {
        let rows = self.database.query(ROLLUPS, &params![source.as_str(), from, to, i64::from(limit)]).await?;
        let first = rows.first().ok_or_else(|| Failure::not_found("source"))?;
        let mut hours = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(hour) = get::<Option<Timestamp>>(row, "hour")? {
                let (records, bytes) = (count(row, "records")?, count(row, "bytes")?);
                hours.push(Rollup { source: source.clone(), hour, records, bytes });
            }
        }
        Ok(Rollups { writers: writers(first)?, hours })
    }
}

fn writers(row: &Row) -> Result<Vec<ClientId>, Failure> {
    Ok(get::<Vec<Uuid>>(row, "writers")?.into_iter().map(ClientId).collect())
}

pub(super) fn read(row: &Row, source: SourceName) -> Result<Record, Failure> {
    let version: i32 = get(row, "schema_version")?;
    Ok(Record {
        id: RecordId::try_from(get::<Uuid>(row, "id")?).map_err(Failure::internal)?,
        source,
        schema_version: u32::try_from(version).map_err(Failure::internal)?,
        received_at: get(row, "received_at")?,
        payload: parsed(row, "payload", |text| serde_json::from_str(text))?,
    })
}

/// A row of `archived` as JSON.
#[derive(Debug, Deserialize)]
struct PartRow {
    day: Date,
    part: u32,
    object_key: String,
    first_id: RecordId,
    last_id: RecordId,
    records: u64,
    bytes: u64,
}

pub(super) fn archived(row: &Row) -> Result<Vec<ArchivedPart>, Failure> {
    let part = |part: PartRow| ArchivedPart {
        day: part.day,
        part: part.part,
        key: part.object_key,
        first: part.first_id,
        last: part.last_id,
        records: part.records,
        bytes: part.bytes,
    };
    Ok(json::<Vec<PartRow>>(row, "archived")?.into_iter().map(part).collect())
}
