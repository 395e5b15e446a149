//! Records: what service clients send in large numbers.

use super::{assert_all_samples_run, clock, sample, sample_time};
use domain::record::{Position, Record};
use edge::{Consumer, kafka};
use futures_util::future::join_all;
use kernel::seconds_after;
use ports::{RecordArchive as _, RecordDays as _, RecordLookup, RecordStore as _, RecordWriter as _};
use std::{cell::Cell, rc::Rc};
use testkit::{Access, Dependency, FaultPoint, InjectedFault, Platform};

/// Runs a sample of record-write.
async fn write(platform: &Platform, case: &str) -> Result<(), edge::FunctionError> {
    let handler = async |batch: &[kafka::Record<Record>]| record_write::handle(&platform.records(), batch).await;
    let consumer = Consumer::new(catalog::RECORD_WRITE.name, catalog::MAX_RECEIVES);
    let event = sample(catalog::RECORD_WRITE, case);
    kafka::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.map(drop)
}

#[tokio::test]
async fn record_write_writes_each_record_once_and_keeps_how_far_it_is() {
    assert_all_samples_run(catalog::RECORD_WRITE, &["ok", "bad_mixed_batch"]);
    let platform = Platform::new();
    for _ in 0..2 {
        write(&platform, "ok").await.expect("written");
    }
    let sensors: Vec<_> = platform.records().all().iter().map(|record| record.payload["sensor"].clone()).collect();
    assert_eq!(sensors, ["s-1", "s-2", "s-3"]);
    let position = |partition, next_offset| Position { partition, next_offset };
    assert_eq!(platform.records().positions().await, Ok(vec![position(0, 17), position(3, 8)]));
    assert!(platform.dead_letters().messages().is_empty());
}

#[tokio::test]
async fn record_write_dead_letters_what_no_partition_can_have_and_writes_the_rest() {
    let platform = Platform::new();
    write(&platform, "bad_mixed_batch").await.expect("written");
    assert_eq!(platform.records().all().len(), 1);
    let reasons: Vec<_> = platform.dead_letters().messages().into_iter().map(|one| one.detail).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("/recorded_at is of a day that is archived")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("recorded_at must be the time of the id")), "{reasons:?}");
}

#[tokio::test]
async fn record_write_fails_while_the_database_is_down_and_writes_the_same_records_later() {
    let platform = Platform::new();
    platform.faults().take_down(Dependency::Database);
    assert!(write(&platform, "ok").await.is_err());
    platform.faults().restore(Dependency::Database);
    assert!(platform.records().all().is_empty());
    write(&platform, "ok").await.expect("written");
    assert_eq!(platform.records().all().len(), 3);
}

/// Readers of one record at once.
const READERS: usize = 40;

/// Reads a record that is not cached with many processes at once, while Redis is lost after so many of its operations. Returns how often that read
/// the database.
async fn stampede(platform: &Platform, operations_of_redis: usize) -> usize {
    let (reads, operations) = (Rc::new(Cell::new(0)), Cell::new(0));
    let counted = reads.clone();
    platform.faults().interleave();
    platform.faults().intercept(move |dependency, access| {
        counted.update(|reads| reads + usize::from((dependency, access) == (Dependency::Database, Access::Read)));
        operations.update(|done| done + usize::from(dependency == Dependency::Cache));
        let is_lost = dependency == Dependency::Cache && operations.get() > operations_of_redis;
        InjectedFault { fail: is_lost.then_some(FaultPoint::Before), crash: None }
    });
    let (records, cache, id) = (platform.records(), platform.cache(), platform.records().all()[0].id);
    let found = join_all((0..READERS).map(|_| services::find_record(&records, &cache, &records, id))).await;
    for one in found {
        assert_eq!(one.expect("a response").map(|found| found.record.id), Some(id));
    }
    reads.get()
}

#[tokio::test]
async fn many_readers_of_a_record_at_once_read_the_database_once() {
    let platform = Platform::new();
    write(&platform, "ok").await.expect("written");
    assert_eq!(stampede(&platform, usize::MAX).await, 1);
    assert_eq!(stampede(&platform, usize::MAX).await, 0, "it is cached");
}

#[tokio::test]
async fn loss_of_redis_at_any_moment_costs_at_most_a_database_read_for_each_reader() {
    for operations in (0..6 * READERS).step_by(7) {
        let platform = Platform::new();
        write(&platform, "ok").await.expect("written");
        let reads = stampede(&platform, operations).await;
        assert!((1..=READERS).contains(&reads), "{reads} after {operations} operations");
        assert!(operations > 0 || reads == READERS, "without Redis each reads it: {reads}");
    }
}

/// Runs record-partition `days` days after the samples.
pub(super) async fn partition(platform: &Platform, days: i64) -> Result<serde_json::Value, edge::FunctionError> {
    partition_as(platform, days, "ok").await
}

/// The same with this sample: it runs whatever its input is.
async fn partition_as(platform: &Platform, days: i64, case: &str) -> Result<serde_json::Value, edge::FunctionError> {
    let (now, records) = (seconds_after(sample_time(), days * 86_400).expect("a time"), platform.records());
    let handler = async |tick| record_partition::handle(&records, &records, tick).await;
    let (event, clock) = (sample(catalog::RECORD_PARTITION, case), edge::Clock::at(now, 7));
    edge::schedule::tick(catalog::RECORD_PARTITION.name, event, &clock, &handler).await
}

#[tokio::test]
async fn record_partition_makes_the_days_ahead_and_archives_those_past_the_retention() {
    assert_all_samples_run(catalog::RECORD_PARTITION, &["ok", "bad_not_a_schedule"]);
    let platform = Platform::new();
    write(&platform, "ok").await.expect("written");
    let (before, today) = (platform.records().all(), domain::record::day(sample_time()));
    let summary = partition(&platform, 0).await.expect("done");
    assert_eq!((&summary["ahead"], &summary["dropped"]), (&3.into(), &0.into()), "{summary}");
    assert_eq!(platform.records().stored().await.expect("days").first(), Some(&today));
    assert_eq!(partition(&platform, 98).await.expect("done")["dropped"], 0, "the last day of the retention");

    let summary = partition_as(&platform, 99, "bad_not_a_schedule").await.expect("done");
    assert_eq!((&summary["files"], &summary["records"], &summary["dropped"]), (&1.into(), &3.into(), &1.into()));
    assert!(platform.records().all().is_empty());
    let Ok(RecordLookup::Archived(part)) = platform.records().get(before[1].id).await else { panic!("it is archived") };
    assert_eq!(part.key, "records/day=2026-11-21/part-000001.parquet");
    assert_eq!(platform.records().read(&part.key).await, Ok(before));
}

#[tokio::test]
async fn record_partition_that_crashes_at_any_step_loses_nothing() {
    let steps = |platform: &Platform| platform.operation_count();
    let whole = Platform::new();
    write(&whole, "ok").await.expect("written");
    let before = steps(&whole);
    partition(&whole, 99).await.expect("done");
    for step in before + 1..=steps(&whole) {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let platform = Platform::new();
            write(&platform, "ok").await.expect("written");
            let records = platform.records().all();
            platform.faults().crash(step, point);
            assert!(platform.run(partition(&platform, 99)).await.is_err(), "step {step} was to crash");
            partition(&platform, 99).await.expect("done");
            let Ok(RecordLookup::Archived(part)) = platform.records().get(records[0].id).await else {
                panic!("step {step}: it is archived")
            };
            assert_eq!(platform.records().read(&part.key).await, Ok(records), "step {step}");
        }
    }
}
