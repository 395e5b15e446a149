//! Forwards every event of the bus to its Kafka topic, keyed by subject and without personal data.

use edge::Delivery;
use kernel::{Failure, FailureKind};
use ports::{EventLog, LogRecord};
use serde_json::{Map, Value};

/// Forwards one event, with members that this version does not know.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    let row = event.event.get("type").and_then(Value::as_str).and_then(catalog::find_event);
    let row = row.ok_or_else(|| {
        Failure::new(FailureKind::Invalid, "unknown-event", "This type of event is not in the catalog.")
    })?;
    domain::event::redact(&mut event.event, row);
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    log.append(&LogRecord { topic: row.topic.name, key: event.subject, value, time: event.time }).await
}
