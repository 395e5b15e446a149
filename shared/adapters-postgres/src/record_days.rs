//! The days of records: made ahead, closed, copied to the archive and dropped.

use super::{
    params::params,
    record_store::{PgRecords, archived, read},
    rows::{bigint, get, only, parsed},
};
use domain::record::{Record, RecordId, SourceName};
use kernel::{Date, Failure, TimeZone, Timestamp};
use ports::{ArchivedPart, RecordDays};

const STORED: &str = "SELECT day FROM partitions WHERE state <> 'archived' ORDER BY day";

const LAST_PART: &str = "
    SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') AS archived
    FROM (SELECT * FROM archived WHERE day = $1 ORDER BY part DESC LIMIT 1) AS a";

const PAGE: &str = "SELECT * FROM records WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";

const ADD_PART: &str = "
    INSERT INTO archived (day, part, object_key, first_id, last_id, records, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING";

/// The start of a day in UTC.
fn start(day: Date) -> Result<Timestamp, Failure> {
    day.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).map_err(Failure::internal)
}

impl RecordDays for PgRecords {
    async fn open(&self, day: Date) -> Result<(), Failure> {
        self.database.query("SELECT open_day($1)", &params![day]).await.map(drop)
    }

    async fn stored(&self) -> Result<Vec<Date>, Failure> {
        self.database.query(STORED, &[]).await?.iter().map(|row| get(row, "day")).collect()
    }

    async fn close(&self, day: Date) -> Result<(), Failure> {
        self.database.query("SELECT close_day($1)", &params![day]).await.map(drop)
    }

    async fn last_part(&self, day: Date) -> Result<Option<ArchivedPart>, Failure> {
        let rows = self.database.query(LAST_PART, &params![day]).await?;
        Ok(archived(only(&rows)?)?.pop())
    }

    async fn page(&self, day: Date, after: Option<RecordId>, limit: u32) -> Result<Vec<Record>, Failure> {
        let end = day.tomorrow().map_err(Failure::internal)?;
        let (first, end) = (RecordId::least(start(day)?), RecordId::least(start(end)?));
        let params = params![after.map_or(first, RecordId::uuid), end, i64::from(limit)];
        let rows = self.database.query(PAGE, &params).await?;
        rows.iter().map(|row| read(row, parsed(row, "source", SourceName::parse)?)).collect()
    }

    async fn add_part(&self, part: &ArchivedPart) -> Result<(), Failure> {
        let number = i32::try_from(part.part).map_err(Failure::internal)?;
        let (records, bytes) = (bigint(part.records)?, bigint(part.bytes)?);
        let (first, last) = (part.first.uuid(), part.last.uuid());
        let params = params![part.day, number, part.key.as_str(), first, last, records, bytes];
        self.database.query(ADD_PART, &params).await.map(drop)
    }

    async fn retire(&self, day: Date) -> Result<(), Failure> {
        self.database.query("SELECT drop_day($1)", &params![day]).await.map(drop)
    }
}
