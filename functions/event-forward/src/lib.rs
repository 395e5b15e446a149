//! Forwards every event of the bus to its Kafka topic, keyed by subject: the members that the catalog lets leave, and no others.
//!
//! A tombstone follows the event that a person was erased, so that compaction removes their records.

use edge::Delivery;
use kernel::Failure;
use ports::{EventLog, LogRecord};
use serde_json::{Map, Value};

/// Forwards one event without decoding it, so that those of a newer version leave, too.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    let row = domain::event::redact(&mut event)?;
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    let record = LogRecord { topic: row.topic.name, key: event.subject, value: Some(value), time: event.time };
    log.append(&record).await?;
    if domain::event::erases_subject(row) {
        log.append(&LogRecord { value: None, ..record }).await?;
    }
    Ok(())
}
