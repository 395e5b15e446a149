//! The envelopes that AWS puts around an event: takes the event out of them.

use crate::json;
use kernel::{CloudEvent, Failure, FailureKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Maximum number of envelopes around an event: SNS may carry EventBridge's envelope, which carries the event.
const MAX_DEPTH: usize = 3;

/// The event, as JSON, that `text` carries: bare, in the envelope of EventBridge, in an SNS notification, or in both. Fails with `Malformed` if
/// it is not JSON.
pub fn extract_event(text: &str) -> Result<Value, Failure> {
    let mut value = parse(text)?;
    for _ in 0..MAX_DEPTH {
        value = match unwrap_once(value)? {
            Layer::Envelope(content) => content,
            Layer::Event(event) => return Ok(event),
        };
    }
    Err(unreadable("The event is nested in too many envelopes."))
}

/// The event that the body of a message carries, in whatever envelope, with the members that a type knows. Fails with `Malformed` or `Invalid`
/// if it carries none.
pub fn event_in<E: DeserializeOwned>(text: &str) -> Result<CloudEvent<E>, Failure> {
    json::read(extract_event(text)?)
}

enum Layer {
    Envelope(Value),
    Event(Value),
}

fn unwrap_once(mut value: Value) -> Result<Layer, Failure> {
    if value.get("detail-type").is_some()
        && let Some(detail) = value.get_mut("detail").map(Value::take)
    {
        return match claims(&detail, &value) {
            true => Ok(Layer::Envelope(detail)),
            false => Err(unreadable("The event names another type or source than its envelope.")),
        };
    }
    let is_notification = value.get("Type").and_then(Value::as_str) == Some("Notification");
    match value.get("Message").and_then(Value::as_str) {
        Some(message) if is_notification => Ok(Layer::Envelope(parse(message)?)),
        _ => Ok(Layer::Event(value)),
    }
}

/// Whether the event in the envelope of EventBridge claims no other type or source than that. Grants to publish name those of the envelope.
fn claims(event: &Value, bridge: &Value) -> bool {
    let agrees = |claimed: Option<&Value>, granted: Option<&Value>| claimed.is_none() || claimed == granted;
    agrees(event.get("type"), bridge.get("detail-type")) && agrees(event.get("source"), bridge.get("source"))
}

fn parse(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|cause| unreadable(&format!("The record is not JSON: {cause}.")))
}

/// Failure for a record that cannot be parsed: `Malformed`, code `unreadable`.
pub(crate) fn unreadable(detail: &str) -> Failure {
    Failure::new(FailureKind::Malformed, "unreadable", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn event_is_extracted_from_every_supported_envelope() {
        let event = json!({ "id": "e-1", "type": "ThingDone.v1", "data": { "detail": "not an envelope" } });
        let bridge = json!({ "version": "0", "detail-type": "ThingDone.v1", "source": "things", "detail": event });
        let notification = json!({ "Type": "Notification", "Message": bridge.to_string() });
        for carried in [&event, &bridge, &notification] {
            assert_eq!(extract_event(&carried.to_string()).unwrap(), event);
        }
    }

    #[test]
    fn event_that_claims_another_type_or_source_than_its_envelope_is_rejected() {
        for (name, source) in [("ThingDone.v1", "others"), ("OtherDone.v1", "things")] {
            let event = json!({ "type": name, "source": source });
            let bridge = json!({ "detail-type": "ThingDone.v1", "source": "things", "detail": event });
            assert_eq!(extract_event(&bridge.to_string()).unwrap_err().code, "unreadable", "{name} of {source}");
        }
    }

    #[test]
    fn malformed_json_is_not_retryable() {
        for text in ["", "not json", "{\"Type\":\"Notification\",\"Message\":\"not json\"}"] {
            assert!(!extract_event(text).unwrap_err().is_retryable(), "{text}");
        }
    }

    #[test]
    fn too_many_nested_envelopes_are_rejected() {
        let mut value = json!({ "id": "e-1" });
        for _ in 0..5 {
            value = json!({ "Type": "Notification", "Message": value.to_string() });
        }
        assert!(extract_event(&value.to_string()).is_err());
    }
}
