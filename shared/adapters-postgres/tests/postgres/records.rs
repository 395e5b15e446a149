//! Records: what is written is there once, its sums add up, and days come and go.

use crate::fixtures::*;
use adapters_postgres::PgRecords;
use adapters_testkit::postgres::TestDatabase;
use catalog::{Context, DatabaseRole};
use domain::record::{Position, Record, RecordId, SourceName};
use futures_util::future::{join, join_all};
use kernel::{FailureKind, Timestamp, Uuid};
use ports::{RecordLookup, RecordQuery, RecordStore as _, RecordWriter as _, Written};
use serde_json::{Map, json};
use std::cell::Cell;

/// Number of hours whose rollup differs from the sums of their records.
const WRONG_SUMS: &str = "
    WITH real AS (
        SELECT source, to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 3600000 * 3600) AS hour,
            count(*) AS records, sum(octet_length(payload)) AS bytes
        FROM records.records GROUP BY 1, 2
    )
    SELECT count(*) FROM real FULL JOIN records.rollups AS sum USING (source, hour)
    WHERE real.records IS DISTINCT FROM sum.records OR real.bytes IS DISTINCT FROM sum.bytes";

const COUNT: &str = "SELECT count(*) FROM records.records";

fn writer(database: &TestDatabase) -> PgRecords {
    PgRecords::new(database.as_context(Context::Records))
}

fn source(number: u128) -> SourceName {
    SourceName::parse(&format!("source-{number}")).expect("a name")
}

/// The record of this number: ten seconds after the one before, so that some hundred touch several hours, and of one of three sources.
fn record(number: u32) -> Record {
    let at = Timestamp::from_second(now().as_second() + i64::from(number) * 10).expect("a time");
    Record {
        id: RecordId::new(at, u128::from(number)),
        source: source(u128::from(number % 3)),
        schema_version: 1,
        received_at: now(),
        payload: Map::from_iter([("reading".to_owned(), json!(number)), ("unit".to_owned(), json!("°C"))]),
    }
}

/// Batches as a consumer group may deliver them: `count` records in batches of `size` plus a third of the batch before, alternating between
/// two partitions.
fn batches(count: u32, size: u32) -> Vec<(Vec<Record>, Position)> {
    let starts = (0..count).step_by(usize::try_from(size).expect("small"));
    let batch = |start: u32| {
        let end = (start + size).min(count);
        let records = (start.saturating_sub(size / 3)..end).map(record).collect();
        let partition = i32::try_from(start / size % 2).expect("small");
        (records, Position { partition, next_offset: i64::from(end) })
    };
    starts.map(batch).collect()
}

#[tokio::test]
async fn batches_that_overlap_and_come_twice_at_once_are_written_once() {
    let database = database().await;
    let (mut work, count) = (batches(900, 60), 900);
    work.extend(work.clone().into_iter().rev());
    let write = async |part: &[(Vec<Record>, Position)]| {
        let writer = writer(&database);
        let mut new = 0;
        for (records, position) in part {
            new += loop {
                match writer.write(records, &[*position]).await {
                    Ok(written) => break written.new,
                    Err(failure) => assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}"),
                }
            };
        }
        new
    };
    let new: u64 = join_all(work.chunks(5).map(write)).await.into_iter().sum();
    assert_eq!(new, count);
    assert_eq!(database.number(COUNT).await, i64::try_from(count).expect("small"));
    assert_eq!(database.number(WRONG_SUMS).await, 0);
    let positions = writer(&database).positions().await.expect("positions");
    let expected = [(0, 900), (1, 840)].map(|(partition, next_offset)| Position { partition, next_offset });
    assert_eq!(positions, expected);
}

#[tokio::test]
async fn writers_that_lose_their_connections_lose_and_double_nothing() {
    let database = database().await;
    let (work, finished) = (batches(3_000, 100), Cell::new(0));
    let write = async |part: &[(Vec<Record>, Position)]| {
        let writer = writer(&database);
        let mut failures = 0;
        for (records, position) in part {
            // As Lambda does: until the batch succeeds.
            while let Err(failure) = writer.write(records, &[*position]).await {
                assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
                failures += 1;
            }
        }
        finished.set(finished.get() + 1);
        failures
    };
    let parts: Vec<_> = work.chunks(10).collect();
    let kill = async {
        let owner = database.connect().await;
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND query LIKE ANY ('{COPY%,%rollups%,COMMIT%}')";
        let mut killed = 0;
        while finished.get() < parts.len() && killed < 60 {
            killed += owner.query_one(sql, &[]).await.expect("the query runs").get::<_, i64>(0);
            tokio::task::yield_now().await;
        }
        killed
    };
    let (killed, failures) = join(kill, join_all(parts.iter().map(|part| write(part)))).await;
    assert!(killed > 0 && failures.iter().sum::<u32>() > 0, "{killed} connections were cut, {failures:?}");
    assert_eq!(database.number(COUNT).await, 3_000);
    assert_eq!(database.number(WRONG_SUMS).await, 0);
    let next: Vec<i64> = writer(&database).positions().await.expect("read").iter().map(|one| one.next_offset).collect();
    assert_eq!(next, [2_900, 3_000]);
}

#[tokio::test]
async fn day_is_made_once_by_writers_that_need_it_at_once() {
    let database = database().await;
    let write = async |number| writer(&database).write(&[record(number)], &[]).await;
    let written = join_all((0..8).map(write)).await;
    assert!(written.iter().all(|one| *one == Ok(Written { new: 1, known: 0 })), "{written:?}");
    assert_eq!(database.number("SELECT count(*) FROM records.partitions WHERE state = 'open'").await, 1);
    assert_eq!(
        database.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'records.records'::regclass").await,
        1
    );
}

#[tokio::test]
async fn role_that_writes_may_neither_change_partitions_nor_make_more_than_enough() {
    let database = database().await;
    writer(&database).write(&[record(0)], &[]).await.expect("written");
    for statement in
        ["DROP TABLE records_20261121", "CREATE TABLE records.mine ()", "ALTER TABLE records_20261121 ADD x text"]
    {
        let refused = format!(
            "SET ROLE records; SET search_path = records; DO $$ BEGIN EXECUTE '{statement}'; RAISE EXCEPTION 'it was allowed';
            EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        );
        database.execute(&refused).await;
    }
    let too_many =
        "INSERT INTO records.partitions SELECT date '2000-01-01' + n, 'open' FROM generate_series(1, 400) AS n";
    database.execute(too_many).await;
    let tomorrow = record(8_640);
    assert_eq!(writer(&database).write(&[tomorrow], &[]).await.expect_err("too many days").kind, FailureKind::Internal);
}

#[tokio::test]
async fn closed_day_is_read_and_not_written() {
    let database = database().await;
    let (today, tomorrow) = (record(0), record(8_640));
    writer(&database).write(&[today.clone(), tomorrow.clone()], &[]).await.expect("written");
    database.execute("SELECT records.close_day('2026-11-21'), records.close_day('2026-11-21')").await;
    for late in [vec![record(1)], vec![tomorrow, record(1), record(8_641)]] {
        let failure = writer(&database).write(&late, &[]).await.expect_err("the day is closed");
        assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, "/recorded_at"));
    }
    assert_eq!(database.number(COUNT).await, 2);
    assert_eq!(database.number(WRONG_SUMS).await, 0);
    let found = writer(&database).get(today.id).await;
    assert_eq!(found, Ok(RecordLookup::Found { record: today, writers: Vec::new() }));
}

/// Registers an archive file with these records.
async fn archive(database: &TestDatabase, records: &[Record]) {
    let (first, last) = (records[0].id, records[records.len() - 1].id);
    let insert = format!(
        "INSERT INTO records.archived VALUES ('2026-11-21', 1, 'key', '{first}', '{last}', {}, 10)",
        records.len()
    );
    database.execute(&insert).await;
}

#[tokio::test]
async fn day_is_dropped_once_all_of_its_records_are_archived() {
    let database = database().await;
    let records = [0, 1, 2].map(record);
    writer(&database).write(&records, &[]).await.expect("written");
    database.execute("INSERT INTO records.sources VALUES ('source-0', 'open', '{}', 1, now())").await;
    let drop_day = "SELECT records.drop_day('2026-11-21')";
    database.execute(drop_day).await;
    assert_eq!(database.number(COUNT).await, 3, "an open day stays");
    database.execute("SELECT records.close_day('2026-11-21')").await;
    archive(&database, &records[..2]).await;
    assert!(database.connect().await.batch_execute(drop_day).await.is_err(), "the last record is in no file");
    assert_eq!(database.number(COUNT).await, 3);
    database.execute(&format!("UPDATE records.archived SET last_id = '{}'", records[2].id)).await;
    for _ in 0..2 {
        database.execute(drop_day).await;
    }
    assert_eq!(database.number("SELECT count(*) FROM records.partitions WHERE state = 'archived'").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'records\\_2%'").await, 0);

    let reader = PgRecords::new(database.as_context(Context::Records));
    let found = reader.get(records[1].id).await;
    assert!(matches!(&found, Ok(RecordLookup::Archived(part)) if part.key == "key" && part.part == 1), "{found:?}");
    assert_eq!(reader.get(record(3).id).await, Ok(RecordLookup::Missing), "no file has that range");
    let query = RecordQuery {
        source: source(0),
        from: now(),
        to: Timestamp::from_second(now().as_second() + 60).expect("a time"),
        after: None,
        limit: 10,
    };
    let page = reader.list(&query).await.expect("a page");
    assert_eq!((page.records.len(), page.archived.len()), (0, 1));
    let late = writer(&database).write(&[record(1)], &[]).await.expect_err("the day is archived");
    assert_eq!(late.kind, FailureKind::Invalid);
}

#[tokio::test]
async fn reads_look_into_the_partitions_of_their_days_alone() {
    let database = database().await;
    let records: Vec<Record> = (0..60).map(|number| record(number * 4_000)).collect();
    writer(&database).write(&records, &[]).await.expect("written");
    let days = database.number("SELECT count(*) FROM records.partitions").await;
    assert!(days > 20, "{days}");
    let plan =
        "EXPLAIN SELECT * FROM records.records WHERE source = 'source-0' AND id >= records.least_id('2026-11-25')
        AND id < records.least_id('2026-11-26') ORDER BY id DESC LIMIT 5";
    let lines: Vec<String> = database.rows(plan).await.iter().map(|row| row.get(0)).collect();
    let scans = lines.iter().filter(|line| line.contains(" Scan ")).count();
    assert_eq!(scans, 1, "{lines:#?}");
}

#[tokio::test]
async fn reader_reads_and_does_not_write() {
    let database = database().await;
    writer(&database).write(&[record(0)], &[]).await.expect("written");
    let reader = PgRecords::new(database.as_role(DatabaseRole::Reader(Context::Records)));
    assert!(matches!(reader.get(record(0).id).await, Ok(RecordLookup::Found { .. })));
    assert!(reader.write(&[record(1)], &[]).await.is_err());
    let unknown = RecordId::try_from(Uuid::from_u128(record(0).id.uuid().as_u128() + 1)).expect("an id");
    assert_eq!(reader.get(unknown).await, Ok(RecordLookup::Missing));
}
