//! Contract of [`RecordWriter`] and [`RecordStore`].

use super::{Fixture, fresh, later, now};
use domain::{
    id::ClientId,
    record::{Position, Record, RecordId, SourceName},
};
use futures_util::future::join_all;
use kernel::{FailureKind, Timestamp};
use ports::{ArchivedPart, RecordDays, RecordLookup, RecordQuery, RecordStore, RecordWriter, Written};
use serde_json::{Map, json};

/// The writer, the reader, and the sources of their records.
#[derive(Debug)]
pub struct WriterAndReader<W, R, S> {
    pub writer: W,
    pub reader: R,
    pub sources: S,
}

#[allow(async_fn_in_trait, reason = "as in the ports")]
pub trait Sources {
    /// Adds a source that these clients may write and read.
    async fn register(&self, source: &SourceName, writers: &[ClientId]);
}

/// Generates one test per rule of [`RecordWriter`] and [`RecordStore`]. The expression is a future of a
/// `Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>`.
#[macro_export]
macro_rules! contract_records {
    ($fixture:expr) => {
        $crate::each_rule! { records, $fixture;
            record_is_read_as_it_was_written
            record_that_is_written_again_stays_as_it_was
            records_of_several_days_and_sources_are_written_together
            concurrent_batches_write_each_record_once_and_count_it_once
            position_moves_forward_only
            batch_without_records_moves_its_positions
            page_has_the_newest_records_of_its_source_and_range
            page_starts_after_the_record_before_it
            sums_have_the_records_of_their_hour
            source_that_is_not_known_is_not_found
            closed_day_is_read_and_not_written
            day_leaves_once_its_records_are_in_files
        }
    };
}

fn source() -> SourceName {
    SourceName::parse(&format!("s-{}", fresh().simple())).expect("a name")
}

/// A record of a time. Ids are new, so that suites can share a database.
fn record(source: &SourceName, at: Timestamp) -> Record {
    Record {
        id: RecordId::new(at, fresh().as_u128()),
        source: source.clone(),
        schema_version: 3,
        received_at: later(5),
        payload: Map::from_iter([("temperature".to_owned(), json!(-21.5)), ("at".to_owned(), json!("Kai ⚓"))]),
    }
}

fn query(source: &SourceName, from: Timestamp, to: Timestamp, limit: u32) -> RecordQuery {
    RecordQuery { source: source.clone(), from, to, after: None, limit }
}

async fn ids(reader: &impl RecordStore, source: &SourceName) -> Vec<RecordId> {
    let all = query(source, later(-86_400 * 7), later(86_400 * 7), 1_000);
    reader.list(&all).await.expect("a page").records.into_iter().map(|record| record.id).collect()
}

async fn sums(reader: &impl RecordStore, source: &SourceName) -> Vec<(u64, u64)> {
    let sums = reader.rollups(source, later(-86_400 * 7), later(86_400 * 7), 1_000).await.expect("the sums");
    sums.hours.into_iter().map(|hour| (hour.records, hour.bytes)).collect()
}

/// Bytes of the payload of [`record`].
const BYTES: u64 = 36;

pub async fn record_is_read_as_it_was_written(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, source, client) = (fixture.port(), source(), ClientId(fresh()));
    port.sources.register(&source, &[client]).await;
    let full = record(&source, now());
    let empty = Record { payload: Map::new(), ..record(&source, later(1)) };
    let written = port.writer.write(&[full.clone(), empty.clone()], &[]).await;
    assert_eq!(written, Ok(Written { new: 2, known: 0 }));
    for expected in [full, empty] {
        let found = port.reader.get(expected.id).await;
        assert_eq!(found, Ok(RecordLookup::Found { record: expected, writers: vec![client] }));
    }
    let other = record(&source, now()).id;
    assert_eq!(port.reader.get(other).await, Ok(RecordLookup::Missing));
}

pub async fn record_that_is_written_again_stays_as_it_was(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, source) = (fixture.port(), source());
    port.sources.register(&source, &[]).await;
    let (first, second) = (record(&source, now()), record(&source, later(1)));
    let changed = Record { payload: Map::new(), ..first.clone() };
    let write = async |batch: &[Record]| port.writer.write(batch, &[]).await.expect("written");
    assert_eq!(write(std::slice::from_ref(&first)).await, Written { new: 1, known: 0 });
    let again = [second.clone(), changed, second.clone()];
    assert_eq!(write(&again).await, Written { new: 1, known: 2 });
    assert_eq!(write(&again).await, Written { new: 0, known: 3 });
    let found = port.reader.get(first.id).await;
    assert_eq!(found, Ok(RecordLookup::Found { record: first.clone(), writers: Vec::new() }));
    assert_eq!(ids(&port.reader, &source).await, [second.id, first.id]);
    assert_eq!(sums(&port.reader, &source).await, [(2, 2 * BYTES)]);
}

pub async fn records_of_several_days_and_sources_are_written_together(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine, other) = (fixture.port(), source(), source());
    for source in [&mine, &other] {
        port.sources.register(source, &[]).await;
    }
    let day = 86_400;
    let batch = [-2 * day, 0, -day, day].map(|seconds| record(&mine, later(seconds)));
    let expected: Vec<RecordId> = [3, 1, 2, 0].map(|index: usize| batch[index].id).into();
    let foreign = record(&other, now());
    let all = [batch.to_vec(), vec![foreign.clone()]].concat();
    assert_eq!(port.writer.write(&all, &[]).await, Ok(Written { new: 5, known: 0 }));
    assert_eq!(ids(&port.reader, &mine).await, expected);
    assert_eq!(ids(&port.reader, &other).await, [foreign.id]);
}

pub async fn concurrent_batches_write_each_record_once_and_count_it_once(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let source = source();
    fixture.port().sources.register(&source, &[]).await;
    let records: Vec<Record> = (0..40).map(|second| record(&source, later(second * 60))).collect();
    // Each batch has half of the records of the next one.
    let batches: Vec<Vec<Record>> = (0..8).map(|n| records[n * 4..n * 4 + 8].iter().rev().cloned().collect()).collect();
    join_all(fixture.concurrent(8).zip(&batches).map(|(port, batch)| write_until_done(port, batch))).await;
    let expected: Vec<RecordId> = records[..36].iter().rev().map(|record| record.id).collect();
    assert_eq!(ids(&fixture.port().reader, &source).await, expected);
    let sums = sums(&fixture.port().reader, &source).await;
    assert_eq!(sums.iter().map(|(records, _)| records).sum::<u64>(), 36);
    assert_eq!(sums.iter().map(|(_, bytes)| bytes).sum::<u64>(), 36 * BYTES);
}

/// Writes a batch, again if others were in its way.
async fn write_until_done<W: RecordWriter, R, S>(port: &WriterAndReader<W, R, S>, batch: &[Record]) {
    while let Err(failure) = port.writer.write(batch, &[]).await {
        assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
    }
}

pub async fn position_moves_forward_only(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (writer, source) = (&fixture.port().writer, source());
    let at = |partition, next_offset| Position { partition, next_offset };
    writer.write(&[record(&source, now())], &[at(1_001, 5), at(1_000, 7), at(1_001, 6)]).await.expect("written");
    writer.write(&[record(&source, now())], &[at(1_001, 4), at(1_000, 8)]).await.expect("written");
    let mine = writer.positions().await.expect("positions").into_iter().filter(|one| one.partition >= 1_000);
    assert_eq!(mine.collect::<Vec<_>>(), [at(1_000, 8), at(1_001, 6)]);
}

pub async fn batch_without_records_moves_its_positions(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (writer, position) = (&fixture.port().writer, Position { partition: 2_000, next_offset: 9 });
    assert_eq!(writer.write(&[], &[position]).await, Ok(Written { new: 0, known: 0 }));
    assert_eq!(writer.write(&[], &[]).await, Ok(Written { new: 0, known: 0 }));
    assert!(writer.positions().await.expect("positions").contains(&position));
}

pub async fn page_has_the_newest_records_of_its_source_and_range(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine, other, client) = (fixture.port(), source(), source(), ClientId(fresh()));
    port.sources.register(&mine, &[client]).await;
    let batch: Vec<Record> = (0..6).map(|second| record(&mine, later(second))).collect();
    port.writer.write(&[batch.clone(), vec![record(&other, later(3))]].concat(), &[]).await.expect("written");
    let list = async |from, to, limit| port.reader.list(&query(&mine, from, to, limit)).await.expect("a page");
    let page = list(later(1), later(5), 3).await;
    assert_eq!((page.writers, page.archived), (vec![client], Vec::new()));
    assert_eq!(page.records, [4, 3, 2].map(|index: usize| batch[index].clone()));
    assert_eq!(list(later(5), later(100), 3).await.records, [batch[5].clone()]);
    assert!(list(later(6), later(100), 3).await.records.is_empty());
}

pub async fn page_starts_after_the_record_before_it(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine) = (fixture.port(), source());
    port.sources.register(&mine, &[]).await;
    // Some are of the same millisecond.
    let mut batch: Vec<Record> = [0, 0, 0, 7, 7, 90_000].map(|second| record(&mine, later(second))).into();
    port.writer.write(&batch, &[]).await.expect("written");
    batch.sort_by_key(|record| std::cmp::Reverse(record.id));
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let next = RecordQuery { after, ..query(&mine, now(), later(100_000), 2) };
        let page = port.reader.list(&next).await.expect("a page").records;
        after = page.last().map(|record| record.id);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, batch);
}

pub async fn sums_have_the_records_of_their_hour(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine, other, client) = (fixture.port(), source(), source(), ClientId(fresh()));
    port.sources.register(&mine, &[client]).await;
    let start = record(&mine, now()).id.hour();
    let at = |seconds: i64| kernel::seconds_after(start, seconds).expect("a time");
    let batch = [0, 3_599, 3_600, 7_200].map(|seconds| record(&mine, at(seconds)));
    port.writer.write(&[batch.to_vec(), vec![record(&other, at(1))]].concat(), &[]).await.expect("written");
    let read = async |from, to, limit| {
        let sums = port.reader.rollups(&mine, from, to, limit).await.expect("the sums");
        assert_eq!(sums.writers, [client]);
        sums.hours.into_iter().map(|one| (one.hour, one.records, one.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(read(start, at(7_200), 10).await, [(start, 2, 2 * BYTES), (at(3_600), 1, BYTES)]);
    assert_eq!(read(at(3_600), at(86_400), 1).await, [(at(3_600), 1, BYTES)]);
    assert!(read(at(7_201), at(86_400), 1).await.is_empty());
}

pub async fn source_that_is_not_known_is_not_found(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (reader, unknown) = (&fixture.port().reader, source());
    let listed = reader.list(&query(&unknown, now(), later(10), 5)).await.expect_err("no source");
    let summed = reader.rollups(&unknown, now(), later(10), 5).await.expect_err("no source");
    assert_eq!([listed.kind, summed.kind], [FailureKind::NotFound; 2]);
}

pub async fn closed_day_is_read_and_not_written(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine) = (fixture.port(), source());
    port.sources.register(&mine, &[]).await;
    let known = record(&mine, now());
    port.writer.write(std::slice::from_ref(&known), &[]).await.expect("written");
    let day = known.id.day();
    for _ in 0..2 {
        port.writer.close(day).await.expect("closed");
        port.writer.open(day).await.expect("it stays closed");
    }
    let tomorrow = record(&mine, later(86_400));
    let failure = port.writer.write(&[tomorrow, record(&mine, now())], &[]).await.expect_err("the day is closed");
    assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, "/recorded_at"));
    assert_eq!(ids(&port.reader, &mine).await, [known.id], "all of the batch or nothing");
}

pub async fn day_leaves_once_its_records_are_in_files(
    fixture: &Fixture<WriterAndReader<impl RecordWriter + RecordDays, impl RecordStore, impl Sources>>,
) {
    let (port, mine) = (fixture.port(), source());
    port.sources.register(&mine, &[]).await;
    let batch: Vec<Record> = (0..3).map(|second| record(&mine, later(second))).collect();
    let next_day = record(&mine, later(86_400));
    port.writer.write(&[batch.clone(), vec![next_day.clone()]].concat(), &[]).await.expect("written");
    let day = batch[0].id.day();
    port.writer.retire(day).await.expect("a day that is open stays");
    port.writer.close(day).await.expect("closed");
    assert!(port.writer.retire(day).await.is_err(), "no file has its records");
    assert_eq!(port.writer.page(day, None, 2).await, Ok(batch[..2].to_vec()));
    assert_eq!(port.writer.page(day, Some(batch[1].id), 2).await, Ok(batch[2..].to_vec()));
    assert_eq!(port.writer.last_part(day).await, Ok(None));
    let part = ArchivedPart {
        day,
        part: 1,
        key: "key".to_owned(),
        first: batch[0].id,
        last: batch[2].id,
        records: 3,
        bytes: 300,
    };
    for _ in 0..2 {
        port.writer.add_part(&part).await.expect("added");
    }
    assert_eq!(port.writer.last_part(day).await.as_ref(), Ok(&Some(part.clone())));
    assert!(port.writer.stored().await.expect("days").contains(&day));
    for _ in 0..2 {
        port.writer.retire(day).await.expect("retired");
    }
    assert_eq!(port.writer.stored().await.expect("days"), [next_day.id.day()]);
    assert_eq!(port.reader.get(batch[1].id).await, Ok(RecordLookup::Archived(part.clone())));
    let page = port.reader.list(&query(&mine, now(), later(200_000), 10)).await.expect("a page");
    assert_eq!((page.records, page.archived), (vec![next_day.clone()], vec![part]));
    let full = port.reader.list(&query(&mine, now(), later(200_000), 1)).await.expect("a page");
    assert!(full.archived.is_empty(), "a full page needs no file");
    let late = port.writer.write(&[record(&mine, now())], &[]).await.expect_err("the day is archived");
    assert_eq!(late.kind, FailureKind::Invalid);
}
