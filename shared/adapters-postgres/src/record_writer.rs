//! Writes records in bulk.
//!
//! A batch is a transaction: a binary COPY straight into the table, and one statement for sums and positions. COPY cannot skip a record
//! that is there already. Few batches have one (after a redelivery), and those are written again with an INSERT that skips them, which
//! takes longer. There is no staging table: a temporary one would pin the connection to the proxy, and another one would be written twice.

use super::{
    errors::QueryError,
    params::{Param, param, params},
    record_store::PgRecords,
    rows::{bigint, count, get, only},
};
use domain::record::{Position, Record, RecordId, Rollup, payload_text, roll_up};
use kernel::{Date, Failure, Timestamp, Uuid};
use ports::{RecordWriter, Written};
use std::collections::BTreeSet;
use tokio_postgres::{
    error::SqlState,
    types::{ToSql, Type},
};

const COPY: &str = "COPY records (id, received_at, schema_version, source, payload) FROM STDIN (FORMAT binary)";
const COPIED: [Type; 5] = [Type::UUID, Type::TIMESTAMPTZ, Type::INT4, Type::TEXT, Type::TEXT];

/// Sums and positions, in the order of their keys, so that no two batches deadlock. A position never goes back: a batch may be delivered
/// again after later ones.
const ADD_UP: &str = "
    WITH added AS (
        INSERT INTO rollups AS r (source, hour, records, bytes)
        SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (source, hour) DO UPDATE SET records = r.records + excluded.records, bytes = r.bytes + excluded.bytes
    )
    INSERT INTO positions AS p (partition, next_offset)
    SELECT * FROM unnest($5, $6)
    ON CONFLICT (partition) DO UPDATE SET next_offset = greatest(p.next_offset, excluded.next_offset)";

/// The same with records that may be there already: only those that were not add to the sums. All records come before all sums, as in the
/// other way, because the sums read all that the first part returns.
const MERGE: &str = "
    WITH fresh AS (
        INSERT INTO records (id, received_at, schema_version, source, payload)
        SELECT * FROM unnest($1, $2, $3, $4, $5) AS r (id, received_at, schema_version, source, payload) ORDER BY id
        ON CONFLICT DO NOTHING
        RETURNING id, source, octet_length(payload) AS bytes
    ), added AS (
        INSERT INTO rollups AS r (source, hour, records, bytes)
        SELECT fresh.source, h.hour, count(*), sum(fresh.bytes)
        FROM fresh JOIN unnest($1, $6) AS h (id, hour) USING (id)
        GROUP BY fresh.source, h.hour ORDER BY fresh.source, h.hour
        ON CONFLICT (source, hour) DO UPDATE SET records = r.records + excluded.records, bytes = r.bytes + excluded.bytes
    ), moved AS (
        INSERT INTO positions AS p (partition, next_offset)
        SELECT * FROM unnest($7, $8)
        ON CONFLICT (partition) DO UPDATE SET next_offset = greatest(p.next_offset, excluded.next_offset)
    )
    SELECT count(*) AS new FROM fresh";

const POSITIONS: &str = "SELECT partition, next_offset FROM positions ORDER BY partition";

const OPEN_DAY: &str = "SELECT open_day($1) AS state";

/// A record with its columns as they are stored.
struct Prepared<'a> {
    record: &'a Record,
    id: Uuid,
    source: &'a str,
    schema_version: i32,
    payload: String,
}

/// The records of a batch in the order of their ids, each once, and its positions in the order of the partitions.
struct Batch<'a> {
    records: Vec<Prepared<'a>>,
    positions: Vec<Position>,
    /// Number of records with those that were there twice.
    sent: usize,
}

impl<'a> Batch<'a> {
    fn new(records: &'a [Record], positions: &[Position]) -> Result<Self, Failure> {
        let prepare = |record: &'a Record| {
            Ok(Prepared {
                record,
                id: record.id.uuid(),
                source: record.source.as_str(),
                schema_version: i32::try_from(record.schema_version).map_err(Failure::internal)?,
                payload: payload_text(&record.payload)?,
            })
        };
        let mut prepared: Vec<Prepared<'_>> = records.iter().map(prepare).collect::<Result<_, Failure>>()?;
        prepared.sort_by_key(|one| one.record.id);
        prepared.dedup_by_key(|one| one.record.id);
        let mut positions = positions.to_vec();
        // The highest of a partition stays.
        positions.sort_unstable_by_key(|one| (one.partition, std::cmp::Reverse(one.next_offset)));
        positions.dedup_by_key(|one| one.partition);
        Ok(Self { records: prepared, positions, sent: records.len() })
    }

    fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.records.iter().map(|one| one.record.id)
    }

    fn days(&self) -> BTreeSet<Date> {
        self.ids().map(RecordId::day).collect()
    }

    fn rollups(&self) -> Vec<Rollup> {
        roll_up(self.records.iter().map(|one| (&one.record.source, one.record.id, one.payload.len())))
    }

    fn written(&self, new: u64) -> Written {
        Written { new, known: (self.sent as u64).saturating_sub(new) }
    }

    fn sums(&self, rollups: &'a [Rollup]) -> Result<[Param<'a>; 6], Failure> {
        let counts = |of: fn(&Rollup) -> u64| rollups.iter().map(|one| bigint(of(one))).collect::<Result<Vec<_>, _>>();
        let [partitions, offsets] = self.positions();
        Ok([
            param(rollups.iter().map(|one| one.source.as_str()).collect::<Vec<&str>>()),
            param(rollups.iter().map(|one| one.hour).collect::<Vec<Timestamp>>()),
            param(counts(|one| one.records)?),
            param(counts(|one| one.bytes)?),
            partitions,
            offsets,
        ])
    }

    fn positions(&self) -> [Param<'static>; 2] {
        params![
            self.positions.iter().map(|one| one.partition).collect::<Vec<i32>>(),
            self.positions.iter().map(|one| one.next_offset).collect::<Vec<i64>>(),
        ]
    }
}

/// Whether the error says that a row has no partition. The violation of a named constraint has the same code.
fn lacks_partition(error: &QueryError) -> bool {
    let found = error.server_error().filter(|error| *error.code() == SqlState::CHECK_VIOLATION);
    found.is_some_and(|error| error.constraint().is_none())
}

/// A batch that cannot be written.
fn refusal(error: QueryError) -> Failure {
    let violation = error.server_error().filter(|error| *error.code() == SqlState::CHECK_VIOLATION);
    match violation.and_then(|error| error.constraint()) {
        Some("closed") => archived(),
        _ => error.into(),
    }
}

fn archived() -> Failure {
    Failure::field("/recorded_at", "is of a day that is archived")
}

impl PgRecords {
    /// Writes a batch without records that are there already. The inner error is that of the server, and nothing is written.
    async fn copy(&self, batch: &Batch<'_>) -> Result<Result<(), QueryError>, Failure> {
        let rows = batch.records.iter().map(|one| -> [&(dyn ToSql + Sync); 5] {
            [&one.id, &one.record.received_at, &one.schema_version, &one.source, &one.payload]
        });
        let rollups = batch.rollups();
        let sums = batch.sums(&rollups)?;
        let session = self.database.session().await?;
        let work = async {
            session.command("BEGIN").await?;
            session.copy(COPY, &COPIED, rows).await?;
            session.query(ADD_UP, &sums).await?;
            session.command("COMMIT").await
        };
        let outcome = work.await;
        match &outcome {
            Ok(()) => session.release(),
            Err(error) if error.is_recoverable() && session.command("ROLLBACK").await.is_ok() => session.release(),
            // The connection is closed, and the server rolls back.
            Err(_) => {}
        }
        Ok(outcome)
    }

    /// Writes those records of a batch that are not there. Returns their number.
    async fn merge(&self, batch: &Batch<'_>) -> Result<Result<u64, QueryError>, Failure> {
        let [partitions, offsets] = batch.positions();
        let [ids, received, versions, sources, payloads, hours] = params![
            batch.records.iter().map(|one| one.id).collect::<Vec<Uuid>>(),
            batch.records.iter().map(|one| one.record.received_at).collect::<Vec<Timestamp>>(),
            batch.records.iter().map(|one| one.schema_version).collect::<Vec<i32>>(),
            batch.records.iter().map(|one| one.source).collect::<Vec<&str>>(),
            batch.records.iter().map(|one| one.payload.as_str()).collect::<Vec<&str>>(),
            batch.ids().map(RecordId::hour).collect::<Vec<Timestamp>>(),
        ];
        let params = [ids, received, versions, sources, payloads, hours, partitions, offsets];
        match self.database.attempt(MERGE, &params).await? {
            Ok(rows) => count(only(&rows)?, "new").map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Writes a batch in the way that its records need.
    async fn try_write(&self, batch: &Batch<'_>) -> Result<Result<u64, QueryError>, Failure> {
        match self.copy(batch).await? {
            Ok(()) => Ok(Ok(batch.records.len() as u64)),
            Err(error) if error.duplicate().is_some() => self.merge(batch).await,
            Err(error) => Ok(Err(error)),
        }
    }

    /// Makes the partitions of days that have none.
    async fn open_days(&self, days: BTreeSet<Date>) -> Result<(), Failure> {
        for day in days {
            let rows = self.database.query(OPEN_DAY, &params![day]).await?;
            if get::<&str>(only(&rows)?, "state")? != "open" {
                return Err(archived());
            }
        }
        Ok(())
    }
}

impl RecordWriter for PgRecords {
    async fn write(&self, records: &[Record], positions: &[Position]) -> Result<Written, Failure> {
        let batch = Batch::new(records, positions)?;
        let written = match self.try_write(&batch).await? {
            Err(error) if lacks_partition(&error) => {
                self.open_days(batch.days()).await?;
                self.try_write(&batch).await?
            }
            written => written,
        };
        written.map(|new| batch.written(new)).map_err(refusal)
    }

    async fn positions(&self) -> Result<Vec<Position>, Failure> {
        let rows = self.database.query(POSITIONS, &[]).await?;
        let read = |row| Ok(Position { partition: get(row, "partition")?, next_offset: get(row, "next_offset")? });
        rows.iter().map(read).collect()
    }
}
