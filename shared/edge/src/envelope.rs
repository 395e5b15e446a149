//! The envelopes that AWS puts around an event: takes the event out of them.

use crate::json;
use kernel::{CloudEvent, Failure, FailureKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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
    json::read_event(&extract_event(text)?)
}

/// Checks whether an event whose members were taken as they are has the form of an `E`. What a newer writer has added fits: members and words
/// that `E` does not know. Fails with `Invalid`, naming the member.
pub fn check_event<E: DeserializeOwned>(members: &Map<String, Value>) -> Result<(), Failure> {
    match json::read_payload::<E>(members) {
        Err(failure) if !json::is_newer(&failure) => Err(failure),
        _ => Ok(()),
    }
}

enum Layer {
    Envelope(Value),
    Event(Value),
}

fn unwrap_once(mut value: Value) -> Result<Layer, Failure> {
    if value.get("detail-type").is_some()
        && let Some(detail) = value.get_mut("detail").map(Value::take)
    {
        return match declares(&detail, &value) {
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

/// Whether the event in the envelope of EventBridge declares no other type or source than that. Grants to publish name those of the envelope.
fn declares(event: &Value, bridge: &Value) -> bool {
    let agrees = |declared: Option<&Value>, granted: Option<&Value>| declared.is_none() || declared == granted;
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
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", content = "data")]
    #[expect(dead_code, reason = "only read")]
    enum Event {
        #[serde(rename = "ThingDone.v1")]
        ThingDone { parts: Vec<Part> },
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Part {
        name: String,
    }

    #[test]
    fn what_is_wrong_in_an_event_is_named_by_the_pointer_into_the_event() {
        let event = |members: Value| {
            let mut event = json!({
                "specversion": "1.0", "id": "00000000-0000-0000-0000-000000000000", "source": "things", "subject": "t-1",
                "time": "2026-11-21T12:00:00Z", "sequence": 1, "correlationid": "00000000-0000-0000-0000-000000000000",
                "type": "ThingDone.v1", "data": { "parts": [{ "name": "a" }] },
            });
            event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            event.to_string()
        };
        assert!(event_in::<Event>(&event(json!({ "new": 1 }))).is_ok());
        for (members, expected) in [
            (json!({ "data": { "parts": [{ "name": "a" }, { "name": 7 }] } }), "/data/parts/1/name must be a string"),
            (json!({ "data": { "parts": [{}] } }), "/data/parts/0/name is required"),
            (json!({ "data": 7 }), "/data must be an object"),
            (json!({ "type": "ThingUndone.v1" }), "/type is not known: expected `ThingDone.v1`"),
            (json!({ "data": 7, "sequence": "1" }), "/sequence must be a whole number, zero or more"),
        ] {
            assert_eq!(event_in::<Event>(&event(members.clone())).unwrap_err().detail, expected, "{members}");
        }
        assert_eq!(event_in::<Event>("7").unwrap_err().detail, "The document must be an object");
    }

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
