//! Records: what service clients send in large numbers.

use super::{assert_all_samples_run, clock, sample};
use domain::record::{Position, Record};
use edge::{Consumer, kafka};
use ports::RecordWriter as _;
use testkit::{Dependency, Platform};

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
