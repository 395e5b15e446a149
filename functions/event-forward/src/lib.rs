//! Forwards every event of the bus to its Kafka topic, keyed by subject: the members that the catalog lets leave, and no others.

use edge::Delivery;
use kernel::{Failure, FailureKind};
use ports::{EventLog, LogRecord};
use serde_json::{Map, Value};

/// Forwards one event without decoding it, so that those of a newer version leave, too.
pub async fn handle(log: &impl EventLog, delivery: Delivery<Map<String, Value>>) -> Result<(), Failure> {
    let mut event = delivery.event;
    let row = event.event.get("type").and_then(Value::as_str).and_then(catalog::find_event);
    let row = row.ok_or_else(|| {
        Failure::new(FailureKind::Invalid, "unknown-event", "This type of event is not in the catalog.")
    })?;
    if !domain::event::is_code(&event.subject) {
        return Err(Failure::new(FailureKind::Invalid, "invalid-subject", "The subject of the event is not an id."));
    }
    domain::event::retain_leaving(&mut event.event, row);
    event.traceparent = event.traceparent.filter(|parent| domain::event::is_traceparent(parent));
    let value = serde_json::to_string(&event).map_err(Failure::internal)?;
    log.append(&LogRecord { topic: row.topic.name, key: event.subject, value, time: event.time }).await
}
