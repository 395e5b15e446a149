//! Forwards every event of the bus to its Kafka topic, keyed by subject: the members that the catalog lets leave, and no others.

use edge::Delivery;
use kernel::Failure;
use ports::{EventLog, LogRecord};
use serde_json::{Map, Value};

/// Forwards one event without decoding it, so that those of a newer version leave, too.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    let row = domain::event::redact(&mut event)?;
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    log.append(&LogRecord { topic: row.topic.name, key: event.subject, value, time: event.time }).await
}
