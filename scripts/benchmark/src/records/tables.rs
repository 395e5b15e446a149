//! The table of records and the plain table beside it: filled, and read.

use super::rows;
use crate::{database::Database, orders::message};
use std::{pin::pin, time::Instant};
use tokio_postgres::{
    Client,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};
use xtask::Result;

/// Rows of a transaction in a measurement: a batch of the writer.
pub const BATCH: u64 = 2_000;
/// Rows of a transaction while a table is filled.
const FILL: u64 = 20_000;

const PLAIN: &str = "
    CREATE TABLE plain (
        id uuid NOT NULL, recorded_at timestamptz NOT NULL, received_at timestamptz NOT NULL, schema_version integer NOT NULL,
        source text COLLATE \"C\" NOT NULL, payload text NOT NULL
    )";
const INDEX: &str = "ALTER TABLE plain ADD CONSTRAINT plain_pkey PRIMARY KEY (id);
    CREATE INDEX plain_of_source ON plain (source, recorded_at);";
const UNINDEX: &str = "ALTER TABLE plain DROP CONSTRAINT IF EXISTS plain_pkey; DROP INDEX IF EXISTS plain_of_source;";

/// One of both tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Records,
    Plain,
}

/// A connection of the owner, and how many rows each table has.
pub struct Tables {
    pub owner: Client,
    pub records: u64,
    pub plain: u64,
}

impl Tables {
    pub async fn create(database: &Database) -> Result<Self> {
        database.migrate().await?;
        let owner = database.connect_as_owner().await?;
        owner.batch_execute("SET maintenance_work_mem = '1GB'").await.map_err(message)?;
        owner.batch_execute(PLAIN).await.map_err(message)?;
        let sources = "INSERT INTO records.sources
            SELECT 'source-' || n, 'open', '{}', 1, now() FROM generate_series(0, 99) AS n";
        owner.batch_execute(sources).await.map_err(message)?;
        Ok(Self { owner, records: 0, plain: 0 })
    }

    /// Makes the partitions of all days up to that of row `number`.
    pub async fn open_days(&self, number: u64) -> Result<()> {
        for day in 0..=number / rows::ROWS_A_DAY {
            let day = domain::record::day(rows::recorded_at(day * rows::ROWS_A_DAY)?);
            self.owner.query_typed("SELECT records.open_day($1)", &[(&day, Type::DATE)]).await.map_err(message)?;
        }
        Ok(())
    }

    /// Fills both tables up to `rows` by COPY. New rows of the table of records go to the ends of its indexes, which it keeps. The plain table
    /// would take days with its indexes: they are made when it is full.
    pub async fn fill(&mut self, rows: u64) -> Result<()> {
        self.open_days(rows + rows::ROWS_A_DAY).await?;
        while self.records < rows {
            let end = rows.min(self.records + FILL);
            self.copy(Table::Records, self.records, end).await?;
            self.records = end;
        }
        self.owner.batch_execute(UNINDEX).await.map_err(message)?;
        while self.plain < rows {
            let end = rows.min(self.plain + FILL);
            self.copy(Table::Plain, self.plain, end).await?;
            self.plain = end;
        }
        self.owner.batch_execute(INDEX).await.map_err(message)?;
        self.settle().await
    }

    /// The rows that both tables have: a measurement adds more to one than to the other.
    pub fn both(&self) -> u64 {
        self.records.min(self.plain)
    }

    /// Brings statistics, visibility and disk to rest.
    pub async fn settle(&self) -> Result<()> {
        for statement in ["VACUUM (ANALYZE) records.records", "VACUUM (ANALYZE) plain", "CHECKPOINT"] {
            self.owner.batch_execute(statement).await.map_err(message)?;
        }
        Ok(())
    }

    /// The memory in which the server keeps pages of its tables, such as `128 MiB`.
    pub async fn shared_buffers(&self) -> Result<String> {
        let sql = "SELECT setting::bigint * 8 / 1024 || ' MiB' FROM pg_settings WHERE name = 'shared_buffers'";
        self.owner.query_one(sql, &[]).await.map(|row| row.get(0)).map_err(message)
    }

    /// Copies the rows of these numbers in a transaction.
    async fn copy(&self, table: Table, from: u64, to: u64) -> Result<()> {
        let mut types = vec![Type::UUID, Type::TIMESTAMPTZ, Type::INT4, Type::TEXT, Type::TEXT];
        let sql = match table {
            Table::Records => {
                "COPY records.records (id, received_at, schema_version, source, payload) FROM STDIN (FORMAT binary)"
            }
            Table::Plain => {
                types.push(Type::TIMESTAMPTZ);
                "COPY plain (id, received_at, schema_version, source, payload, recorded_at) FROM STDIN (FORMAT binary)"
            }
        };
        let sink = self.owner.copy_in(sql).await.map_err(message)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for number in from..to {
            let id = match table {
                Table::Records => rows::id(number)?.uuid(),
                Table::Plain => rows::plain_id(number),
            };
            let (at, source, payload) = (rows::recorded_at(number)?, rows::source(number), rows::payload_text(number)?);
            let row: [&(dyn ToSql + Sync); 6] = [&id, &at, &1_i32, &source, &payload, &at];
            writer.as_mut().write(&row[..types.len()]).await.map_err(message)?;
        }
        writer.finish().await.map(drop).map_err(message)
    }

    /// Microseconds that copying `count` more rows takes, in transactions of [`BATCH`].
    pub async fn copy_more(&mut self, table: Table, count: u64) -> Result<u64> {
        let first = match table {
            Table::Records => self.records,
            Table::Plain => self.plain,
        };
        let began = Instant::now();
        for from in (first..first + count).step_by(usize::try_from(BATCH).map_err(message)?) {
            self.copy(table, from, (first + count).min(from + BATCH)).await?;
        }
        let took = super::micros(began);
        match table {
            Table::Records => self.records += count,
            Table::Plain => self.plain += count,
        }
        Ok(took)
    }

    /// Bytes of a table with its indexes.
    pub async fn bytes(&self, table: Table) -> Result<u64> {
        let sql = match table {
            Table::Records => {
                "SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits WHERE inhparent = 'records.records'::regclass"
            }
            Table::Plain => "SELECT pg_total_relation_size('plain')",
        };
        let bytes: i64 = self.owner.query_one(sql, &[]).await.map_err(message)?.get(0);
        u64::try_from(bytes).map_err(message)
    }

    /// Microseconds of reading a row of the plain table by its id.
    pub async fn read_plain(&self, number: u64) -> Result<u64> {
        let (id, began) = (rows::plain_id(number), Instant::now());
        let rows = self.owner.query_typed("SELECT * FROM plain WHERE id = $1", &[(&id, Type::UUID)]).await;
        if rows.map_err(message)?.len() == 1 {
            Ok(super::micros(began))
        } else {
            Err(format!("row {number} is missing"))
        }
    }

    /// Microseconds of reading the newest hundred rows of a source in the hour before a row of the plain table.
    pub async fn range_plain(&self, number: u64) -> Result<u64> {
        let (source, from, to) = range(number)?;
        let sql = "SELECT * FROM plain WHERE source = $1 AND recorded_at >= $2 AND recorded_at < $3 ORDER BY recorded_at DESC LIMIT 100";
        let began = Instant::now();
        let params: [(&(dyn ToSql + Sync), Type); 3] =
            [(&source, Type::TEXT), (&from, Type::TIMESTAMPTZ), (&to, Type::TIMESTAMPTZ)];
        let rows = self.owner.query_typed(sql, &params).await.map_err(message)?;
        if rows.is_empty() { Err(format!("no rows before {number}")) } else { Ok(super::micros(began)) }
    }
}

/// The source of a row, and the hour that ends with it.
pub fn range(number: u64) -> Result<(String, kernel::Timestamp, kernel::Timestamp)> {
    let end = rows::recorded_at(number)?;
    let from = kernel::Timestamp::from_millisecond(end.as_millisecond() - 3_600_000).map_err(message)?;
    let to = kernel::Timestamp::from_millisecond(end.as_millisecond() + 1).map_err(message)?;
    Ok((rows::source(number), from, to))
}
