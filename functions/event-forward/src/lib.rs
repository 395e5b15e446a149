//! Forwards every event of the bus to its Kafka topic, keyed by subject: the members that the catalog lists as exported, and no others.
//!
//! An event that does not have the form of its type goes to the dead letters. What a newer writer has added is forwarded: an event is
//! checked and not decoded. A tombstone follows the event that a person was erased, so that compaction removes their records.

use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;
use ports::{EventLog, EventLogRecord};
use serde_json::{Map, Value};

/// Forwards one event that has the form of its type.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    edge::check_event::<DomainEvent>(&event.event)?;
    let row = domain::event::redact(&mut event)?;
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    let record = EventLogRecord { topic: row.topic.name, key: event.subject, value: Some(value), time: event.time };
    log.append(&record).await?;
    if domain::event::erases_subject(row) {
        log.append(&EventLogRecord { value: None, ..record }).await?;
    }
    Ok(())
}
