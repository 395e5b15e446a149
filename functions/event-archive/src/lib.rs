//! Archives the Kafka topics in S3 as JSON lines, under topic and date.
//!
//! The key of an object names its first and its last offset, so that a redelivered batch overwrites its own object. A batch that is cut
//! differently on redelivery duplicates lines; readers deduplicate them by event id.

use edge::kafka::Record;
use kernel::Failure;
use ports::Archive;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Archives a batch, which may span partitions.
pub async fn handle(archive: &impl Archive, batch: &[Record<IgnoredAny>]) -> Result<(), Failure> {
    for (key, lines) in objects(batch) {
        archive.put(&key, lines).await?;
    }
    Ok(())
}

/// The objects of a batch: one per topic, day and partition. Records come in order of their offsets.
fn objects(batch: &[Record<IgnoredAny>]) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<(String, String, i32), (i64, i64, String)> = BTreeMap::new();
    for record in batch {
        let day = record.timestamp.strftime("%Y/%m/%d").to_string();
        let (_, last, lines) = groups
            .entry((record.topic.clone(), day, record.partition))
            .or_insert_with(|| (record.offset, record.offset, String::new()));
        *last = record.offset;
        lines.push_str(&record.raw);
        lines.push('\n');
    }
    let object = |((topic, day, partition), (first, last, lines))| {
        (format!("{topic}/{day}/{partition}-{first:020}-{last:020}.jsonl"), lines)
    };
    groups.into_iter().map(object).collect()
}
