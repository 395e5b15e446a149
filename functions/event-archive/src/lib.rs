//! Archives the Kafka topics to S3: JSON lines under topic and date.
//!
//! An object is named by its first and its last record, so that a batch that comes again overwrites itself, and never a batch that
//! was cut otherwise: that one leaves lines twice. Each has the event's id, by which readers count it once.

use edge::kafka::Record;
use kernel::Failure;
use ports::Archive;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Archives a batch of one partition or several.
pub async fn handle(archive: &impl Archive, batch: &[Record<IgnoredAny>]) -> Result<(), Failure> {
    for (key, lines) in objects(batch) {
        archive.put(&key, lines).await?;
    }
    Ok(())
}

/// The objects that a batch makes: one a topic, day and partition. Records come in the order of their offsets.
fn objects(batch: &[Record<IgnoredAny>]) -> BTreeMap<String, String> {
    let mut named: BTreeMap<(String, String, i32), (i64, i64, String)> = BTreeMap::new();
    for record in batch {
        let day = record.timestamp.strftime("%Y/%m/%d").to_string();
        let (_, last, lines) = named
            .entry((record.topic.clone(), day, record.partition))
            .or_insert_with(|| (record.offset, record.offset, String::new()));
        *last = record.offset;
        lines.push_str(&record.raw);
        lines.push('\n');
    }
    let object = |((topic, day, partition), (first, last, lines))| {
        (format!("{topic}/{day}/{partition}-{first:020}-{last:020}.jsonl"), lines)
    };
    named.into_iter().map(object).collect()
}
