//! Writes accepted records from the topic to the database, in bulk, with how far each partition of the topic is written.

use domain::record::{self, Position, Record};
use edge::{kafka, telemetry::metrics};
use kernel::Failure;
use ports::RecordWriter;
use std::collections::BTreeMap;

/// Writes a batch. A record that is delivered again changes nothing.
pub async fn handle(writer: &impl RecordWriter, batch: &[kafka::Record<Record>]) -> Result<(), Failure> {
    let mut next = BTreeMap::<i32, i64>::new();
    let mut records = Vec::with_capacity(batch.len());
    for sent in batch {
        record::check_day(&sent.value, sent.now)?;
        let offset = next.entry(sent.partition).or_default();
        *offset = (*offset).max(sent.offset + 1);
        records.push(sent.value.clone());
    }
    let position = |(partition, next_offset)| Position { partition, next_offset };
    let positions: Vec<Position> = next.into_iter().map(position).collect();
    let written = writer.write(&records, &positions).await?;
    metrics::count("RecordsWritten", written.new);
    metrics::count("RecordsRepeated", written.known);
    Ok(())
}
