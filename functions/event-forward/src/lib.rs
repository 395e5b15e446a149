//! Forwards every event of the bus to its Kafka topic, keyed by subject: the members that the catalog lists as exported, and no others.
//!
//! An event that does not have the form of its type goes to the dead letters. What a newer writer has added is forwarded: an event is
//! checked and not decoded. A tombstone follows the event that a person was erased, so that compaction removes their records.

use domain::DomainEvent;
use edge::Delivery;
use kernel::{CloudEvent, Failure};
use ports::{EventLog, EventLogRecord};
use serde_json::{Map, Value};

/// Forwards one event that has the form of its type.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    edge::check_event::<DomainEvent>(&delivery.event.event)?;
    let (row, record) = record_of(delivery.event)?;
    log.append(&record).await?;
    if domain::event::erases_subject(row) {
        log.append(&EventLogRecord { value: None, ..record }).await?;
    }
    Ok(())
}

/// The catalog row of an event, and the record of what is exported of it. The form of the event is not checked.
pub fn record_of(
    mut event: CloudEvent<Map<String, Value>>,
) -> Result<(&'static catalog::Event, EventLogRecord), Failure> {
    let row = domain::event::redact(&mut event)?;
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    Ok((row, EventLogRecord { topic: row.topic.name, key: event.subject, value: Some(value), time: event.time }))
}
